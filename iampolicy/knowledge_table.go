package iampolicy

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ./internal/iamdata/gen

// knowledgeTable is made by internal/iamdata, which describes its form.
//
//go:embed knowledge.txt
var knowledgeTable string

// knowledge is the table, read when it is first asked for. It is not changed
// afterwards, so any number of goroutines may ask it.
var knowledge = sync.OnceValue(func() *facts { return readFacts(knowledgeTable) })

// facts is the table in memory.
type facts struct {
	version   string
	described []string                 // prefixes, sorted
	services  map[string]*serviceFacts // by prefix
	keys      map[string]ConditionKey  // by name in lower case
	open      []ConditionKey           // those whose names have a part in ${}
}

type serviceFacts struct {
	Service
	actions []*Action          // sorted by name in lower case
	byName  map[string]*Action // by name in lower case, without the prefix
	types   map[string]ResourceType
}

// readFacts reads the table. That it is well formed is for the tests to show.
func readFacts(table string) *facts {
	f := &facts{services: map[string]*serviceFacts{}, keys: map[string]ConditionKey{}}
	for name, kind := range globalKeys {
		f.addKey(ConditionKey{Name: name, Type: kind, Global: true})
	}
	var s *serviceFacts
	var sets map[string][]string
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		switch words[0] {
		case "version":
			f.version = words[1]
		case "prefixes":
			for _, prefix := range words[1:] {
				f.services[prefix] = &serviceFacts{Service: Service{Prefix: prefix}}
			}
		case "service":
			s = &serviceFacts{
				Service: Service{Prefix: words[1], Described: true, RCP: slices.Contains(words[2:], "rcp")},
				byName:  map[string]*Action{},
				types:   map[string]ResourceType{},
			}
			f.services[s.Prefix], sets = s, map[string][]string{"-": nil}
			f.described = append(f.described, s.Prefix)
		case "key":
			f.addKey(ConditionKey{Name: s.own(words[1]), Type: KeyType(words[2])})
		case "type":
			s.types[words[1]] = ResourceType{Name: words[1], ARN: words[2], Keys: sets[words[3]]}
		case "set":
			for i := 2; i < len(words); i++ {
				words[i] = s.own(words[i])
			}
			sets[words[1]] = words[2:]
		case "action":
			a := s.action(words[1:], sets)
			s.actions = append(s.actions, a)
			s.byName[strings.ToLower(words[1])] = a
		}
	}
	return f
}

// addKey keeps the first of what several services say of one key.
func (f *facts) addKey(k ConditionKey) {
	id := strings.ToLower(k.Name)
	if _, known := f.keys[id]; known {
		return
	}
	f.keys[id] = k
	if strings.Contains(k.Name, "${") {
		f.open = append(f.open, k)
	}
}

// own completes a name that starts with a colon.
func (s *serviceFacts) own(name string) string {
	if strings.HasPrefix(name, ":") {
		return s.Prefix + name
	}
	return name
}

// action reads the words of an action: name, access level, set, types.
func (s *serviceFacts) action(words []string, sets map[string][]string) *Action {
	a := &Action{Name: s.Prefix + ":" + words[0], Access: Access(words[1]), Keys: sets[words[2]]}
	for _, word := range words[3:] {
		name, set, required := strings.Cut(word, "!")
		if !required {
			name, set, _ = strings.Cut(word, "?")
		}
		t := s.types[name]
		if t.Required = required; set != "" {
			t.Keys = sets[set]
		}
		a.Resources = append(a.Resources, t)
	}
	return a
}

func (f *facts) service(prefix string) *serviceFacts { return f.services[strings.ToLower(prefix)] }

func (f *facts) action(name string) *Action {
	prefix, name, _ := strings.Cut(name, ":")
	if s := f.service(prefix); s != nil {
		return s.byName[strings.ToLower(name)]
	}
	return nil
}

// matching returns the known actions that a pattern covers, sorted.
func (f *facts) matching(pattern string) []*Action {
	if !strings.ContainsAny(pattern, "*?") {
		if a := f.action(pattern); a != nil {
			return []*Action{a}
		}
		return nil
	}
	var all []*Action
	for _, prefix := range f.described {
		for _, a := range f.services[prefix].actions {
			if matchesAction(pattern, a.Name) {
				all = append(all, a)
			}
		}
	}
	return all
}

func (f *facts) key(name string) (ConditionKey, bool) {
	if k, ok := f.keys[strings.ToLower(name)]; ok {
		return k, true
	}
	for _, k := range f.open {
		if isKey(k.Name, name) {
			return k, true
		}
	}
	return ConditionKey{}, false
}

// globalKeys are the keys that any action may have, with their types (IAM User
// Guide, "AWS global condition context keys"). aws:RequestTag, aws:ResourceTag
// and aws:TagKeys are not among them: the reference lists the actions that
// have those. It is not changed.
var globalKeys = map[string]KeyType{
	"aws:AssumedRoot": TypeBool, "aws:CalledVia": TypeStringList, "aws:CalledViaFirst": TypeString,
	"aws:CalledViaLast": TypeString, "aws:ChatbotSourceArn": TypeARN, "aws:CurrentTime": TypeDate,
	"aws:Ec2InstanceSourcePrivateIPv4": TypeIP, "aws:Ec2InstanceSourceVpc": TypeString, "aws:EpochTime": TypeDate,
	"aws:FederatedProvider": TypeString, "aws:IsMcpServiceAction": TypeBool, "aws:MultiFactorAuthAge": TypeNumeric, "aws:MultiFactorAuthPresent": TypeBool,
	"aws:PrincipalAccount": TypeString, "aws:PrincipalArn": TypeARN, "aws:PrincipalIsAWSService": TypeBool,
	"aws:PrincipalOrgID": TypeString, "aws:PrincipalOrgMasterAccountId": TypeString, "aws:PrincipalOrgPaths": TypeStringList, "aws:PrincipalServiceName": TypeString,
	"aws:PrincipalServiceNamesList": TypeStringList, "aws:PrincipalTag/${TagKey}": TypeString, "aws:PrincipalType": TypeString,
	"aws:Referer": TypeString, "aws:RequestedRegion": TypeString, "aws:ResourceAccount": TypeString, "aws:ResourceOrgID": TypeString,
	"aws:ResourceOrgPaths": TypeStringList, "aws:SecureTransport": TypeBool, "aws:SourceAccount": TypeString, "aws:SourceArn": TypeARN,
	"aws:SourceIdentity": TypeString, "aws:SourceIp": TypeIP, "aws:SourceOrgID": TypeString, "aws:SourceOrgPaths": TypeStringList,
	"aws:SourceVpc": TypeString, "aws:SourceVpcArn": TypeARN, "aws:SourceVpce": TypeString, "aws:TokenIssueTime": TypeDate,
	"aws:UserAgent": TypeString, "aws:userid": TypeString, "aws:username": TypeString,
	"aws:ViaAWSService": TypeBool, "aws:VpcSourceIp": TypeIP, "aws:VpceAccount": TypeString, "aws:VpceOrgID": TypeString,
	"aws:VpceOrgPaths": TypeStringList, "ec2:RoleDelivery": TypeNumeric,
	"ec2:SourceInstanceArn": TypeARN, "glue:RoleAssumedBy": TypeString, "glue:CredentialIssuingService": TypeString,
	"lambda:SourceFunctionArn": TypeARN, "ssm:SourceInstanceArn": TypeARN, "identitystore:UserId": TypeString,
}
