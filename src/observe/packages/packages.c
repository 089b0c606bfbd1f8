typedef int hm_packages_empty;
