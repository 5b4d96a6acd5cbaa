package admin

// WebConns is how many connections the address for metrics has at a time.
const WebConns = webConns
