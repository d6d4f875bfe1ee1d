// Command elizad is a complete agent server in one file: start it, open its page, talk. Package [cli] describes its command line, and
// makes the same program with plugins of one's own.
package main

import "github.com/elizad/elizad/server/cli"

func main() { cli.Main() }
