typedef int hm_bundle_empty;
