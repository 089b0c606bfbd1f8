typedef int hm_digest_empty;
