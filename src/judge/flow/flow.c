typedef int hm_flow_empty;
