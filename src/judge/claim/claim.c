typedef int hm_claim_empty;
