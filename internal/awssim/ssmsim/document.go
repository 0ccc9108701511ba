package ssmsim

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/snapkeep/snapkeep/internal/awssim/core"
)

// A document is one of AWS's own, which every account can run.
type document struct {
	name        string
	description string
	schema      string // version
	plugin      string // action of its only step
	platforms   []types.PlatformType
	parameters  []parameter
}

// A parameter of a document.
type parameter struct {
	name     string
	list     bool // a StringList
	required bool
	usual    string
	allowed  []string // values; nil means any
	text     string
}

var (
	posix   = []types.PlatformType{types.PlatformTypeLinux, types.PlatformTypeMacos}
	windows = []types.PlatformType{types.PlatformTypeWindows}
	anyOS   = []types.PlatformType{types.PlatformTypeWindows, types.PlatformTypeLinux, types.PlatformTypeMacos}
)

// usualExecution is how long a script may run unless executionTimeout says so,
// and longestExecution the most that it may say.
// Source: AWS Systems Manager User Guide, AWS-RunShellScript.
const (
	usualExecution   = 3600
	longestExecution = 172800
)

// documents there are.
// Sources: AWS Systems Manager User Guide, "AWS-RunShellScript" and
// "AWS-RunPowerShellScript"; Amazon EC2 User Guide, "Use Systems Manager
// command documents to create VSS based snapshots". The VSS documents have
// several steps, which are not documented; here they are one of PowerShell.
var documents = map[string]*document{
	"AWS-RunShellScript": {
		name: "AWS-RunShellScript", description: "Run a shell script or specify the commands to run.", schema: "1.2",
		plugin: "aws:runShellScript", platforms: posix, parameters: scripted(),
	},
	"AWS-RunPowerShellScript": {
		name: "AWS-RunPowerShellScript", description: "Run a PowerShell script or specify the paths to scripts to run.", schema: "1.2",
		plugin: "aws:runPowerShellScript", platforms: anyOS, parameters: scripted(),
	},
	"AWSEC2-CreateVssSnapshot": {
		name: "AWSEC2-CreateVssSnapshot", description: "Create application-consistent snapshots of the volumes of an instance.",
		schema: "2.2", plugin: "aws:runPowerShellScript", platforms: windows, parameters: vss(),
	},
	"AWSEC2-VssInstallAndSnapshot": {
		name: "AWSEC2-VssInstallAndSnapshot", description: "Install the VSS components and create application-consistent snapshots.",
		schema: "2.2", plugin: "aws:runPowerShellScript", platforms: windows,
		parameters: append(vss(), parameter{name: "VssVersion", text: "(Optional) The version of AwsVssComponents to install."}),
	},
}

func timeout() parameter {
	return parameter{name: "executionTimeout", usual: strconv.Itoa(usualExecution), text: "(Optional) The time in seconds for a command to complete."}
}

func scripted() []parameter {
	return []parameter{
		{name: "commands", list: true, required: true, text: "(Required) Specify a script or a command to run."},
		{name: "workingDirectory", text: "(Optional) The path to the working directory on your instance."},
		timeout(),
	}
}

func vss() []parameter {
	flag := func(name, text string) parameter {
		return parameter{name: name, usual: "False", allowed: []string{"True", "False"}, text: text}
	}
	return []parameter{
		{name: "AmiName", text: "(Optional) The name of the AMI that the backup creates."},
		flag("CollectDiagnosticLogs", "(Optional) Collect more information during the backup."),
		flag("CopyOnly", "(Optional) Perform a copy-only backup."),
		flag("CreateAmi", "(Optional) Create an AMI to back up the instance."),
		{name: "description", text: "(Optional) A description of the snapshots or the image."},
		flag("ExcludeBootVolume", "(Optional) Leave the boot volume out of the backup."),
		timeout(),
		flag("NoWriters", "(Optional) Leave application VSS writers out of the process."),
		flag("SaveVssMetadata", "(Optional) Save the VSS metadata."),
		{name: "tags", usual: "Key=Name,Value=", text: "(Optional) Tags of the snapshots or the image."},
	}
}

// A Document is a command document of an account's own.
type Document struct {
	Name string // 3 to 128 letters, digits and _-.
	// Windows says that it runs on Windows only. False means on Linux and macOS only.
	Windows bool
	// Parameters are the names of those it takes, each a list of texts.
	Parameters []string
}

// PutDocument makes a document of an account, in all its Regions, or replaces it.
func (s *Service) PutDocument(account string, d Document) {
	s.cloud.Lock()
	defer s.cloud.Unlock()
	own := &document{name: d.Name, description: "A document of the account.", schema: "2.2", plugin: "aws:runShellScript", platforms: posix}
	if d.Windows {
		own.plugin, own.platforms = "aws:runPowerShellScript", windows
	}
	for _, name := range d.Parameters {
		own.parameters = append(own.parameters, parameter{name: name, list: true})
	}
	own.parameters = append(own.parameters, timeout())
	if s.own[account] == nil {
		s.own[account] = map[string]*document{}
	}
	s.own[account][d.Name] = own
}

// findDocument returns a document that a caller names, by name or by ARN.
func (s *Service) findDocument(c *core.Call, name *string) (*document, error) {
	short, owned := aws.ToString(name), true
	if strings.HasPrefix(short, "arn:") {
		short, owned = strings.CutPrefix(short, ownARN(c, ""))
		short = strings.TrimPrefix(short, documentARN(c, ""))
	}
	d := s.own[c.Account.ID][short]
	if d == nil || !owned {
		d = documents[short]
	}
	if d == nil {
		return nil, core.Errorf("InvalidDocument", "Document with name %s does not exist.", aws.ToString(name))
	}
	return d, nil
}

// documentARN of one of AWS's own documents, which belongs to no account.
func documentARN(c *core.Call, name string) string {
	return core.RegionalARN("ssm", c.Region, "", "document/"+name)
}

// ownARN of one of the caller's documents.
func ownARN(c *core.Call, name string) string {
	return core.RegionalARN("ssm", c.Region, c.Account.ID, "document/"+name)
}

// documentVersion checks the version asked for: there is one of each document.
func documentVersion(version *string) error {
	switch aws.ToString(version) {
	case "", "$DEFAULT", "$LATEST", "1":
		return nil
	}
	return core.Errorf("InvalidDocumentVersion", "The document has no version %s.", *version)
}

// check checks the parameters of a command and returns how long it may run.
func (d *document) check(given map[string][]string) (time.Duration, error) {
	bad := func(format string, args ...any) error { return core.Errorf("InvalidParameters", format, args...) }
	seconds := usualExecution
	for _, name := range slices.Sorted(maps.Keys(given)) {
		i := slices.IndexFunc(d.parameters, func(p parameter) bool { return p.name == name })
		if i < 0 {
			return 0, bad("%s is not a parameter of %s", name, d.name)
		}
		p, values := d.parameters[i], given[name]
		if !p.list && len(values) != 1 {
			return 0, bad("%s takes one value", name)
		}
		if p.allowed != nil && !slices.Contains(p.allowed, values[0]) {
			return 0, bad("%s is not a value of %s", values[0], name)
		}
		if name == "executionTimeout" {
			var err error
			if seconds, err = strconv.Atoi(values[0]); err != nil || seconds < 1 || seconds > longestExecution {
				return 0, bad("executionTimeout must be between 1 and %d", longestExecution)
			}
		}
	}
	for _, p := range d.parameters {
		if p.required && len(given[p.name]) == 0 {
			return 0, bad("%s requires the parameter %s", d.name, p.name)
		}
	}
	return time.Duration(seconds) * time.Second, nil
}
