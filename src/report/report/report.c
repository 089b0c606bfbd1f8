typedef int hm_report_empty;
