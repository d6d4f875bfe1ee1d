package pgaddress

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// leftOut are parameters that tune the program an address was made for and say nothing to us, in lower case.
var leftOut = []string{
	// Of poolers, and of pools inside of programs.
	"supa", "workaround", "pool", "pool_mode", "pool_timeout", "pool_size", "pool_recycle", "pool_pre_ping", "max_overflow", "min", "poolsize", "minpoolsize", "maxpoolsize",
	"idle_timeout", "idletimeoutmillis", "max_lifetime", "max_idle_connection_lifetime", "max_connection_lifetime", "single_use_connections", "checkout_timeout", "reaping_frequency",
	// Of drivers: sockets, types and statements.
	"uselibpqcompat", "socket_timeout", "sockettimeout", "query_timeout", "keepalive", "tcpkeepalive", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
	"tcp_user_timeout", "gssencmode", "sslcompression", "requirepeer", "fallback_application_name", "reconnect", "timeout", "logintimeout", "stringtype", "binarytransfer",
	"rewritebatchedinserts", "autosave", "defaultrowfetchsize", "targetservertype", "loadbalancehosts", "statement_limit", "statement_cache_capacity", "max_prepared_statements", "fetch_types",
	"serverversion", "adapter", "connection_name",
	// Of texts, which are UTF-8 between us and the database.
	"encoding", "client_encoding", "charset", "characterencoding", "useunicode",
}

// set takes a parameter by its meaning.
func (a *Address) set(key, value string) error {
	name := strings.ToLower(key)
	if slices.Contains(leftOut, name) {
		return nil
	}
	switch name {
	case "host", "hostaddr":
		a.Hosts, a.Ports = nil, nil
		for host := range strings.SplitSeq(value, ",") {
			a.Hosts, a.Ports = append(a.Hosts, host), append(a.Ports, "")
		}
	case "port":
		a.settings["port"] = value
	case "user", "username":
		a.User = value
	case "password", "pass":
		a.password = value
	case "dbname", "database", "db":
		a.Database = value
	case "schema", "currentschema":
		a.Schema = value
	case "search_path":
		a.settings["search_path"] = value
	case "pgbouncer":
		a.Pooled = a.Pooled || isOn(value)
	case "prepare", "prepared_statements": // what is prepared elsewhere is no word about ours
		a.Pooled = a.Pooled || !isOn(value)
	case "preparethreshold", "statement_cache_size", "prepared_statement_cache_size":
		a.Pooled = a.Pooled || value == "0"
	case "preferquerymode":
		a.Pooled = a.Pooled || strings.EqualFold(value, "simple")
	case "binary_parameters":
		a.Pooled = a.Pooled || isOn(value)
	case "connection_limit", "max", "max_connections", "pool_max_conns":
		return a.setNumber(key, value, "pool_max_conns", minConns)
	case "connect_timeout", "connecttimeout", "connection_timeout":
		return a.setNumber(key, value, "connect_timeout", 1)
	case "connectiontimeoutmillis":
		if n, err := strconv.Atoi(value); err == nil && n > 0 {
			a.settings["connect_timeout"] = strconv.Itoa((n + 999) / 1000)
		}
	case "applicationname":
		a.settings["application_name"] = value
	case "sslmode", "ssl", "sslaccept", "sslfactory", "sslcert", "sslkey", "sslrootcert", "sslidentity":
		a.settings[name] = value
	default:
		a.settings[key] = value
	}
	return nil
}

// minConns is the least that a server works with: one connection writes while another reads. Addresses for functions that live
// for one request ask for less.
const minConns = 2

// setNumber takes a count. Zero means no limit where it comes from, and here that nothing is said.
func (a *Address) setNumber(key, value, as string, least int) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > 1<<20 {
		return fmt.Errorf("has no number in %s; write for example %s=10", key, key)
	}
	if n > 0 {
		a.settings[as] = strconv.Itoa(max(n, least))
	}
	return nil
}

func isOn(value string) bool {
	return slices.Contains([]string{"", "1", "true", "yes", "on"}, strings.ToLower(value))
}

// sslModes are what our driver knows, and what it checks of the server's certificate: nothing up to require.
var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// finish settles what depends on more than one parameter.
func (a *Address) finish() error {
	if port, ok := a.settings["port"]; ok {
		delete(a.settings, "port")
		ports := strings.Split(port, ",")
		if len(a.Hosts) == 0 {
			a.Hosts, a.Ports = []string{"localhost"}, []string{""}
		}
		for i := range a.Hosts {
			one := ports[min(i, len(ports)-1)]
			if one != "" && !isPort(one) {
				return fmt.Errorf("has no port number from 1 to 65535 in port; write for example port=5432")
			}
			a.Ports[i] = one
		}
	}
	for i, host := range a.Hosts {
		a.Pooled = a.Pooled || isPooler(host, a.Ports[i])
	}
	if a.Schema != "" {
		delete(a.settings, "search_path")
	}
	return a.finishTLS()
}

// isPooler knows the hosts that are poolers by their names. Their addresses don't say so otherwise.
func isPooler(host, port string) bool {
	first, domain, _ := strings.Cut(host, ".")
	return strings.HasSuffix(first, "-pooler") && strings.HasSuffix(domain, ".neon.tech") || domain == "pooler.supabase.com" && port == "6543"
}

// finishTLS brings what other programs say of TLS into the driver's words.
func (a *Address) finishTLS() error {
	take := func(key string) string {
		value := a.settings[key]
		delete(a.settings, key)
		return strings.ToLower(value)
	}
	mode, ssl, accept, factory := take("sslmode"), take("ssl"), take("sslaccept"), take("sslfactory")
	if identity := take("sslidentity"); identity != "" {
		return fmt.Errorf("names a PKCS#12 file in sslidentity; write sslcert=FILE and sslkey=FILE, both in PEM form")
	}
	if mode == "" {
		switch ssl {
		case "":
		case "true", "1", "yes", "on": // with the certificate checked, in the programs that have it
			mode = "verify-full"
		case "false", "0", "no", "off":
			mode = "disable"
		default:
			mode = ssl
		}
	}
	if accept == "strict" && mode != "disable" {
		mode = "verify-full"
	}
	unchecked := mode == "no-verify" || accept == "accept_invalid_certs" && mode != "disable" && mode != "" || strings.Contains(factory, "nonvalidating")
	if unchecked {
		mode = "require"
		a.settings["sslrootcert"] = "" // with one, the driver would check
	}
	if mode != "" && !slices.Contains(sslModes, mode) {
		return fmt.Errorf("has an sslmode that is none of %s and no-verify", strings.Join(sslModes, ", "))
	}
	if mode != "" {
		a.settings["sslmode"] = mode
	}
	if certificate, ok := a.settings["sslcert"]; ok && a.settings["sslkey"] == "" { // in such addresses it is the server's
		delete(a.settings, "sslcert")
		if !unchecked {
			a.settings["sslrootcert"] = certificate
		}
	}
	return nil
}
