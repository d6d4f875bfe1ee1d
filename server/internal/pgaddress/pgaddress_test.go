package pgaddress_test

import (
	"os"
	"strings"
	"testing"

	"github.com/elizad/elizad/server/internal/pgaddress"
)

// Addresses as hosts, libraries and people write them.
func TestParse(t *testing.T) {
	t.Parallel()
	const secret = "dbname='ada' host='h' password='s' "
	for text, want := range map[string]string{
		// Plain ones, in every form of the scheme.
		"postgres://ada:s@h/ada":                           secret + "user='ada'",
		"postgresql://ada:s@h:5433/ada":                    "dbname='ada' host='h' password='s' port='5433' user='ada'",
		"postgresql+asyncpg://ada:s@h/ada":                 secret + "user='ada'",
		"postgresql+psycopg2://ada:s@h/ada":                secret + "user='ada'",
		"postgis://ada:s@h/ada":                            secret + "user='ada'",
		"pgsql://ada:s@h/ada":                              secret + "user='ada'",
		"POSTGRES://ada:s@h/ada":                           secret + "user='ada'",
		"jdbc:postgresql://h/ada?user=ada&password=s":      secret + "user='ada'",
		"jdbc:postgresql:ada":                              "dbname='ada'",
		"jdbc:postgresql:/ada":                             "dbname='ada'",
		"postgres://h":                                     "host='h'",
		"postgres://h/":                                    "host='h'",
		"postgres:///ada":                                  "dbname='ada'",
		"  'postgres://ada:s@h/ada'  ":                     secret + "user='ada'",
		`psql "postgres://ada:s@h/ada"`:                    secret + "user='ada'",
		"host=h dbname=ada user=ada password=s":            secret + "user='ada'",
		`host=h password='it\'s \\ it' user = ada dbname=`: `host='h' password='it\'s \\ it' user='ada'`,
		"postgres://ada:s@h/ada#main":                      secret + "user='ada'",
		// Hosts.
		"postgres://ada:s@[::1]:5433/ada":                          "dbname='ada' host='::1' password='s' port='5433' user='ada'",
		"postgres://ada:s@a,b/ada":                                 "dbname='ada' host='a,b' password='s' user='ada'",
		"postgres://ada:s@a:1,b:2/ada":                             "dbname='ada' host='a,b' password='s' port='1,2' user='ada'",
		"postgres://ada@%2Fvar%2Frun%2Fpostgresql/ada":             "dbname='ada' host='/var/run/postgresql' user='ada'",
		"postgresql://ada:s@localhost/ada?host=/cloudsql/p:r:i":    "dbname='ada' host='/cloudsql/p:r:i' password='s' user='ada'",
		"postgresql:///ada?host=/tmp&port=5433":                    "dbname='ada' host='/tmp' port='5433'",
		"postgresql:///ada?port=5433":                              "dbname='ada' host='localhost' port='5433'",
		"postgres://ada%40srv:s@h.postgres.database.azure.com/ada": "dbname='ada' host='h.postgres.database.azure.com' password='s' user='ada@srv'",
		// Unescaped passwords.
		"postgres://ada:p@ss@h/ada":                   "dbname='ada' host='h' password='p@ss' user='ada'",
		"postgres://ada:p@ss#word@h/ada":              "dbname='ada' host='h' password='p@ss#word' user='ada'",
		"postgres://ada:p#w@h:5432/ada":               "dbname='ada' host='h' password='p#w' port='5432' user='ada'",
		"postgres://ada:12#w@h/ada":                   "dbname='ada' host='h' password='12#w' user='ada'",
		"postgres://ada:1/2?3@h/ada":                  "dbname='ada' host='h' password='1/2?3' user='ada'",
		"postgres://ada:p?x=1@h/ada":                  "dbname='ada' host='h' password='p?x=1' user='ada'",
		"postgres://ada:100%pure@h/ada":               "dbname='ada' host='h' password='100%pure' user='ada'",
		"postgres://ada:p%40ss%23@h/ada":              "dbname='ada' host='h' password='p@ss#' user='ada'",
		"postgres://ada:a:b:c@h/ada":                  "dbname='ada' host='h' password='a:b:c' user='ada'",
		"postgres://ada:[x]@h/ada":                    "dbname='ada' host='h' password='[x]' user='ada'",
		"postgres://ada:pa$SW'O\\D@h/ada":             `dbname='ada' host='h' password='pa$SW\'O\\D' user='ada'`,
		"postgres://ada:p w@h/ada":                    "dbname='ada' host='h' password='p w' user='ada'",
		"postgres://ada:s@h/ada?application_name=a@b": "application_name='a@b' dbname='ada' host='h' password='s' user='ada'",
		// Parameters of object mappers.
		"postgres://ada:s@h/ada?schema=public":                                                            secret + `search_path='"public"' user='ada'`,
		"postgres://ada:s@h/ada?schema=My%20Own":                                                          secret + `search_path='"My Own"' user='ada'`,
		"jdbc:postgresql://h/ada?currentSchema=x&user=ada&password=s":                                     secret + `search_path='"x"' user='ada'`,
		"postgres://ada:s@h/ada?pgbouncer=true&connection_limit=1":                                        "dbname='ada' default_query_exec_mode='exec' host='h' password='s' pool_max_conns='2' user='ada'",
		"postgres://ada:s@h/ada?pgbouncer=false&pool_timeout=0&socket_timeout=5":                          secret + "user='ada'",
		"postgres://ada:s@h/ada?connect_timeout=15&connection_limit=0":                                    "connect_timeout='15' " + secret + "user='ada'",
		"postgres://ada:s@h/ada?statement_cache_size=0":                                                   "dbname='ada' default_query_exec_mode='exec' host='h' password='s' user='ada'",
		"jdbc:postgresql://h/ada?user=ada&password=s&prepareThreshold=0&ApplicationName=x&loginTimeout=1": "application_name='x' dbname='ada' default_query_exec_mode='exec' host='h' password='s' user='ada'",
		"postgres://ada:s@h/ada?serverVersion=15&charset=utf8&encoding=unicode&pool=5":                    secret + "user='ada'",
		"postgres://ada:s@h/ada?keepalives=1&keepalives_idle=30&tcp_user_timeout=1":                       secret + "user='ada'",
		// Parameters of hosts.
		"postgres://ada:s@h/ada?supa=base-pooler.x":                                              secret + "user='ada'",
		"postgres://ada:s@h/ada?sslmode=require&workaround=supabase-pooler.vercel":               secret + "sslmode='require' user='ada'",
		"postgresql://ada:s@h/ada?sslmode=require&channel_binding=require":                       "channel_binding='require' " + secret + "sslmode='require' user='ada'",
		"postgresql://ada:s@h/ada?options=project%3Dx":                                           "dbname='ada' host='h' options='project=x' password='s' user='ada'",
		"postgresql://ada:s@ep-x-pooler.eu.aws.neon.tech/ada":                                    "dbname='ada' default_query_exec_mode='exec' host='ep-x-pooler.eu.aws.neon.tech' password='s' user='ada'",
		"postgresql://ada.x:s@aws-0-eu.pooler.supabase.com:6543/ada":                             "dbname='ada' default_query_exec_mode='exec' host='aws-0-eu.pooler.supabase.com' password='s' port='6543' user='ada.x'",
		"postgresql://ada.x:s@aws-0-eu.pooler.supabase.com:5432/ada":                             "dbname='ada' host='aws-0-eu.pooler.supabase.com' password='s' port='5432' user='ada.x'",
		"postgres://ada:s@h/ada?statement_timeout=5000&search_path=a,b&target_session_attrs=any": "dbname='ada' host='h' password='s' search_path='a,b' statement_timeout='5000' target_session_attrs='any' user='ada'",
		// TLS.
		"postgres://ada:s@h/ada?sslmode=no-verify":                                              secret + "sslmode='require' sslrootcert='' user='ada'",
		"postgres://ada:s@h/ada?sslmode=REQUIRE":                                                secret + "sslmode='require' user='ada'",
		"postgres://ada:s@h/ada?ssl=true":                                                       secret + "sslmode='verify-full' user='ada'",
		"postgres://ada:s@h/ada?ssl=false":                                                      secret + "sslmode='disable' user='ada'",
		"postgres://ada:s@h/ada?ssl=require":                                                    secret + "sslmode='require' user='ada'",
		"postgres://ada:s@h/ada?ssl=true&sslmode=require":                                       secret + "sslmode='require' user='ada'",
		"postgres://ada:s@h/ada?sslmode=require&sslaccept=strict":                               secret + "sslmode='verify-full' user='ada'",
		"postgres://ada:s@h/ada?sslmode=require&sslaccept=accept_invalid_certs":                 secret + "sslmode='require' sslrootcert='' user='ada'",
		"postgres://ada:s@h/ada?ssl=true&sslfactory=org.postgresql.ssl.NonValidatingFactory":    secret + "sslmode='require' sslrootcert='' user='ada'",
		"postgres://ada:s@h/ada?sslmode=verify-ca&sslcert=ca.pem":                               secret + "sslmode='verify-ca' sslrootcert='ca.pem' user='ada'",
		"postgres://ada:s@h/ada?sslcert=c.pem&sslkey=k.pem&uselibpqcompat=true&sslmode=require": secret + "sslcert='c.pem' sslkey='k.pem' sslmode='require' user='ada'",
	} {
		a, err := pgaddress.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := a.Driver(); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// What is shown of an address, and an error about one, are without the password.
func TestAddressesAreShownWithoutPasswords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"postgres://ada:hunter2@h/ada":                    "ada on h:5432",
		"postgres://ada:hunt@er2@[::1]:5433/ada?schema=x": "ada (schema x) on [::1]:5433",
		"postgres://ada:hunter2@a:1,b:2":                  "the default database on a:1, b:2",
		"postgres:///ada?host=/tmp&password=hunter2":      "ada on /tmp",
		"jdbc:postgresql:ada":                             "ada on this machine",
	} {
		if a, err := pgaddress.Parse(text); err != nil || a.String() != want {
			t.Errorf("%s: %v, %v", text, a, err)
		}
	}
	for text, want := range map[string]string{
		"":                                     "postgres://",
		"ada":                                  "postgres://",
		"mysql://root:hunter2@h/d":             "mysql://",
		"file:./dev.db?password=hunter2":       "postgres://",
		"hunter2://x":                          "postgres://",
		"prisma://accelerate/?api_key=hunter2": "Prisma",
		"prisma+postgres://x/?api_key=hunter2": "Prisma",
		"postgres://ada:[YOUR-PASSWORD]@h/ada": "placeholder",
		"postgres://ada:<password>@h/ada":      "placeholder",
		"postgres://ada:hunter2@h:port/ada":    "number",
		"postgres://ada:hunter2@h:99999/ada":   "number",
		"postgres://ada:hunter2":               "number",
		"postgres://ada:hun\nter2@h/ada":       "one line",
		"postgres://ada:hunter2@h/ada?connection_limit=hunter2": "connection_limit",
		"postgres://ada:hunter2@h/ada?sslmode=hunter2":          "sslmode",
		"postgres://ada:hunter2@h/ada?sslidentity=x.p12":        "sslcert",
		"postgres://ada:hunter2@h/ada?port=hunter2":             "port",
		"Host=h;Password=hunter2":                               "postgres://",
	} {
		_, err := pgaddress.Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Addresses found in the wild.
func TestAddressesFromElsewhere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/addresses")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if a, err := pgaddress.Parse(line); err != nil || a.String() != "ada on 127.0.0.1:5432" && a.String() != "ada (schema public) on 127.0.0.1:5432" {
			t.Errorf("%s: %v, %v", line, a, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("postgres://ada:p@ss#w@h:5432/ada?schema=x&sslmode=no-verify")
	f.Add("host=h password='it\\'s'")
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := pgaddress.Parse(text); err == nil {
			_, _, _ = a.Driver(), a.String(), a.IsLocal()
		}
	})
}
