typedef int hm_verify_empty;
