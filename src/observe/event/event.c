typedef int hm_event_empty;
