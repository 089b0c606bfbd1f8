typedef int hm_merkle_empty;
