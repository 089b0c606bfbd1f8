typedef int hm_chamber_empty;
