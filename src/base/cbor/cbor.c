typedef int hm_cbor_empty;
