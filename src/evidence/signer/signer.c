typedef int hm_signer_empty;
