package pgstore

// Parse is what Open makes of a URL.
var Parse = parse
