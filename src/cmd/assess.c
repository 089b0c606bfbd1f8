typedef int hm_assess_empty;
