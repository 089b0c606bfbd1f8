typedef int hm_attest_empty;
