typedef int hm_dns_empty;
