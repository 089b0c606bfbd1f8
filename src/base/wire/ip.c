typedef int hm_ip_empty;
