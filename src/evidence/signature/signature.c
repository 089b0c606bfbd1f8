typedef int hm_signature_empty;
