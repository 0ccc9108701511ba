// Package record tells what permissions a program needs from the calls it makes.
//
// A [Recorder] is hung into the aws.Config of the program, which then runs as
// usual, against AWS or a simulation, by a user who may do everything.
// [Recorder.Needs] says which actions the calls asked for, those included that
// AWS asks for besides: tagging what is made, passing a role, using a key
// through EC2. [Recorder.Policy] is the least document that grants them.
//
//	var calls record.Recorder
//	cfg.APIOptions = append(cfg.APIOptions, calls.AddTo)
//	// … the program makes its calls …
//	fmt.Println(calls.Policy(record.Options{Account: "111111111111"}))
//
// What is recorded:
//
//   - the service, operation and Region of a call, and how often it was made;
//   - the ids and ARNs of the resources, keys and roles that it names, where the
//     package knows the member of the input by name;
//   - that it tags, encrypts, passes a profile or starts a session with tags.
//
// No other value is looked at: no tags, user data, secrets, names of objects or
// contents. A call counts whether or not it succeeds.
//
// A recording shows what was done, not what may be done one day: a path of the
// program that was not taken is not in it. And it cannot see under which key a
// snapshot lies that is only read; [Options.SourceKeys] may name it.
package record
