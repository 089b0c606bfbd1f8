typedef int hm_internet_empty;
