typedef int hm_http_empty;
