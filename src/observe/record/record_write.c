typedef int hm_record_write_empty;
