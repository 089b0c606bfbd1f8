typedef int hm_capture_empty;
