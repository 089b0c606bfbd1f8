typedef int hm_cmd_assess_empty;
