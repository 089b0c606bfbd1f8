typedef int hm_planted_empty;
