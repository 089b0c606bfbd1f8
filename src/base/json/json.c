typedef int hm_json_empty;
