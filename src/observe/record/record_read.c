typedef int hm_record_read_empty;
