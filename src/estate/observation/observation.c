#include "observation.h"

const char *hm_observation_kind_name(enum hm_observation_kind kind)
{
	static const char *const names[HM_OBSERVATION_KINDS] = {
		[HM_OBSERVED_PACKAGE] = "package",	 [HM_OBSERVED_ORGANISATION] = "organisation", [HM_OBSERVED_PACKAGE_FILES] = "package.files",
		[HM_OBSERVED_COMPONENT] = "component",	 [HM_OBSERVED_PURL] = "purl",		      [HM_OBSERVED_CPE] = "cpe",
		[HM_OBSERVED_PATH] = "path",		 [HM_OBSERVED_FILE] = "file",		      [HM_OBSERVED_PROCESS] = "process",
		[HM_OBSERVED_SERVICE] = "service",	 [HM_OBSERVED_TIMER] = "timer",		      [HM_OBSERVED_KERNEL_MODULE] = "kernel_module",
		[HM_OBSERVED_ACCOUNT] = "account",	 [HM_OBSERVED_DOMAIN] = "domain",	      [HM_OBSERVED_SIGNER] = "signer",
		[HM_OBSERVED_CERTIFICATE] = "certificate", [HM_OBSERVED_VERSION] = "version",	      [HM_OBSERVED_SYMBOL] = "symbol",
		[HM_OBSERVED_SONAME] = "soname",	 [HM_OBSERVED_DEFINITIONS] = "definitions",   [HM_OBSERVED_LICENCE] = "licence",
		[HM_OBSERVED_STRING] = "string",	 [HM_OBSERVED_BUNDLE] = "bundle",	      [HM_OBSERVED_REGISTRY] = "registry",
	};

	return (size_t)kind < HM_OBSERVATION_KINDS ? names[kind] : "";
}

const char *hm_observed_state_name(enum hm_observed_state state)
{
	static const char *const names[HM_STATES] = { "residue", "present", "installed", "running" };

	return (size_t)state < HM_STATES ? names[state] : "";
}

const char *hm_observation_signer(const char *outer, size_t *around)
{
	static const char between[] = "!" HM_SIGNED_BY;
	const char *name = strncmp(outer, HM_SIGNED_BY, strlen(HM_SIGNED_BY)) == 0 ? outer + strlen(HM_SIGNED_BY) : NULL;

	*around = 0;
	for (const char *at = outer; (at = strstr(at, between)); at++) {
		name = at + strlen(between);
		*around = (size_t)(at - outer);
	}
	return name;
}
