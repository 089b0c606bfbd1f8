typedef int hm_evaluate_empty;
