package preflight

// NewEC2 shows the guarded client to its test.
var NewEC2 = newEC2
