typedef int hm_pcapng_empty;
