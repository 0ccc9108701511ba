package ebs_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/snapkeep/snapkeep/backup"
)

// A vm and a disk are what an inventory holds. Tags are written "k=v,k=v".
type vm struct{ id, tags, state, vpc string }

type disk struct {
	id, tags, at, device, key, state string
	kind                             string // gp3, if empty
	size                             int    // GiB; 8, if zero
}

// inventory answers listings with everything it has, whatever the filters
// say, so that a test shows that the decision is taken by the driver.
func inventory(vms []vm, disks []disk) func(request) answer {
	return func(r request) answer {
		switch r.action {
		case "DescribeInstances":
			var b strings.Builder
			for _, v := range vms {
				fmt.Fprintf(&b, `<item><instancesSet><item><instanceId>%s</instanceId><instanceState><name>%s</name></instanceState>
					<rootDeviceName>/dev/xvda</rootDeviceName><instanceType>m7i.large</instanceType><architecture>x86_64</architecture>
					<vpcId>%s</vpcId><bootMode>uefi-preferred</bootMode><enaSupport>true</enaSupport>
					<platformDetails>Windows</platformDetails><usageOperation>RunInstances:0002</usageOperation><sriovNetSupport>simple</sriovNetSupport>
					<tpmSupport>v2.0</tpmSupport><metadataOptions><httpTokens>required</httpTokens></metadataOptions>
					<productCodes><item><productCode>two</productCode></item><item><productCode>one</productCode></item></productCodes>
					<placement><availabilityZone>eu-west-1b</availabilityZone></placement>%s</item></instancesSet></item>`,
					v.id, v.state, v.vpc, tagSet(v.tags))
			}
			return ok(r.action, "<reservationSet>"+b.String()+"</reservationSet>")
		case "DescribeVolumes":
			var b strings.Builder
			for _, d := range disks {
				b.WriteString(d.xml())
			}
			return ok(r.action, "<volumeSet>"+b.String()+"</volumeSet>")
		case "DescribeKey":
			manager := "CUSTOMER"
			if strings.Contains(r.body, "aws-managed") {
				manager = "AWS"
			}
			return answer{status: 200, body: `{"KeyMetadata":{"KeyId":"k","KeyManager":"` + manager + `"}}`}
		}
		return refused(400, "Unexpected", r.action)
	}
}

func (d disk) xml() string {
	state, attachments := "available", ""
	for at := range strings.FieldsSeq(d.at) {
		state = "in-use"
		attachments += fmt.Sprintf(`<item><instanceId>%s</instanceId><device>%s</device><status>attached</status></item>`, at, d.device)
	}
	if d.state != "" {
		state = d.state
	}
	encrypted := ""
	if d.key != "" {
		encrypted = "<encrypted>true</encrypted><kmsKeyId>" + d.key + "</kmsKeyId>"
	}
	return fmt.Sprintf(`<item><volumeId>%s</volumeId><size>%d</size><volumeType>%s</volumeType><iops>3000</iops><throughput>125</throughput>
		<status>%s</status><attachmentSet>%s</attachmentSet>%s%s</item>`, d.id, cmp.Or(d.size, 8), cmp.Or(d.kind, "gp3"), state, attachments, encrypted, tagSet(d.tags))
}

func tagSet(list string) string {
	var b strings.Builder
	for pair := range strings.SplitSeq(list, ",") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			fmt.Fprintf(&b, "<item><key>%s</key><value>%s</value></item>", k, v)
		}
	}
	return "<tagSet>" + b.String() + "</tagSet>"
}

// office is the inventory most tests select from.
var office = inventory(
	[]vm{
		{id: "i-web", tags: "Name=web,backup=daily,tier=front", state: "running", vpc: "vpc-a"},
		{id: "i-db", tags: "Name=db,tier=back", state: "stopped", vpc: "vpc-b"},
		{id: "i-bare", tags: "backup=daily", state: "running"}, // instance store only
	},
	[]disk{
		{id: "vol-web-b", at: "i-web", device: "/dev/sdb", tags: "scratch=yes", kind: "st1"},
		{id: "vol-web-root", at: "i-web", device: "/dev/xvda"},
		{id: "vol-db-root", at: "i-db", device: "/dev/xvda"},
		{id: "vol-db-data", at: "i-db", device: "/dev/sdf", tags: "backup=daily"},
		{id: "vol-loose", tags: "backup=daily,tier="},
		{id: "vol-other", tags: "backup=weekly", size: 9},
		{id: "vol-new", tags: "backup=daily", state: "creating"},
		{id: "vol-stray", tags: "backup=daily", at: "i-going"}, // its instance is being terminated
	},
)

// found lists what Discover yields as "i-db[vol-db-root,…]-[vol excluded]".
func found(t *testing.T, client backup.Client, sel backup.Selector) []string {
	t.Helper()
	var all []string
	for r, err := range client.Discover(t.Context(), sel) {
		require.NoError(t, err)
		line := r.ID() + "[" + volumes(r.Members) + "]"
		if len(r.Excluded) > 0 {
			line += "-[" + volumes(r.Excluded) + "]"
		}
		all = append(all, line)
	}
	return all
}

func volumes(ms []backup.Member) string {
	var ids []string
	for _, m := range ms {
		ids = append(ids, m.Volume)
	}
	return strings.Join(ids, ",")
}

func TestDiscoverFollowsTheSelector(t *testing.T) {
	const (
		web, db = "i-web[vol-web-root,vol-web-b]", "i-db[vol-db-root,vol-db-data]"
		onlyDB  = "i-db[vol-db-data]-[vol-db-root]"
	)
	type (
		tags  = map[string]string
		lists = map[string][]string
	)
	for name, test := range map[string]struct {
		sel  backup.Selector
		want []string
	}{
		"nothing":                                {backup.Selector{}, nil},
		"everything":                             {backup.Selector{All: true}, []string{db, web, "vol-loose[vol-loose]", "vol-other[vol-other]"}},
		"an instance by id":                      {backup.Selector{IDs: []string{"i-db"}}, []string{db}},
		"a detached volume by id":                {backup.Selector{IDs: []string{"vol-other"}}, []string{"vol-other[vol-other]"}},
		"ids of another Region":                  {backup.Selector{IDs: []string{"i-elsewhere", "vol-elsewhere"}}, nil},
		"a tag":                                  {backup.Selector{Tags: tags{"backup": "daily"}}, []string{onlyDB, web, "vol-loose[vol-loose]"}},
		"a tag of any value":                     {backup.Selector{Tags: tags{"tier": ""}}, []string{db, web, "vol-loose[vol-loose]"}},
		"all tags must match":                    {backup.Selector{Tags: tags{"backup": "daily", "tier": "front"}}, []string{web}},
		"an id or the tags":                      {backup.Selector{IDs: []string{"vol-other"}, Tags: tags{"tier": "back"}}, []string{db, "vol-other[vol-other]"}},
		"a volume of an instance":                {backup.Selector{IDs: []string{"vol-db-data"}}, []string{onlyDB}},
		"a volume and its instance":              {backup.Selector{IDs: []string{"vol-db-data", "i-db"}}, []string{db}},
		"an excluded instance":                   {backup.Selector{All: true, ExcludeIDs: []string{"i-web"}}, []string{db, "vol-loose[vol-loose]", "vol-other[vol-other]"}},
		"an excluded volume of an instance":      {backup.Selector{IDs: []string{"i-web"}, ExcludeIDs: []string{"vol-web-b"}}, []string{"i-web[vol-web-root]-[vol-web-b]"}},
		"an excluded root volume":                {backup.Selector{IDs: []string{"i-web"}, ExcludeIDs: []string{"vol-web-root"}}, []string{"i-web[vol-web-b]-[vol-web-root]"}},
		"every volume excluded":                  {backup.Selector{IDs: []string{"i-web"}, ExcludeIDs: []string{"vol-web-root", "vol-web-b"}}, nil},
		"one of the excluded tags is enough":     {backup.Selector{All: true, ExcludeTags: tags{"scratch": "", "backup": "weekly"}}, []string{db, "i-web[vol-web-root]-[vol-web-b]", "vol-loose[vol-loose]"}},
		"exclusion wins over the id":             {backup.Selector{IDs: []string{"i-db"}, ExcludeTags: tags{"tier": "back"}}, nil},
		"an excluded instance's chosen volume":   {backup.Selector{Tags: tags{"backup": "daily"}, ExcludeIDs: []string{"i-db"}}, []string{web, "vol-loose[vol-loose]"}},
		"a tag with another value chooses none":  {backup.Selector{Tags: tags{"backup": "hourly"}}, nil},
		"a value is a pattern":                   {backup.Selector{Tags: tags{"backup": "w?ek*"}}, []string{"vol-other[vol-other]"}},
		"a literal star":                         {backup.Selector{Tags: tags{"backup": `da\*`}}, nil},
		"a volume of a vanishing instance":       {backup.Selector{IDs: []string{"vol-stray"}}, nil},
		"a volume that is still being created":   {backup.Selector{IDs: []string{"vol-new"}}, nil},
		"names":                                  {backup.Selector{Any: []backup.Match{{Names: []string{"w*", "x"}}}}, []string{web}},
		"one of several values":                  {backup.Selector{Any: []backup.Match{{Tags: lists{"tier": {"front", "back"}}}}}, []string{db, web}},
		"a key that is absent":                   {backup.Selector{All: true, Except: []backup.Match{{Not: []backup.Match{{Tags: lists{"tier": {"*"}}}}}}}, []string{db, web, "vol-loose[vol-loose]"}},
		"not one, with its volumes":              {backup.Selector{Any: []backup.Match{{Not: []backup.Match{{Names: []string{"db"}}}}}}, []string{web, "vol-loose[vol-loose]", "vol-other[vol-other]"}},
		"a VPC with the volumes in it":           {backup.Selector{Any: []backup.Match{{VPCs: []string{"vpc-b"}}}}, []string{db}},
		"the chosen volumes of a VPC":            {backup.Selector{Any: []backup.Match{{VPCs: []string{"vpc-b"}, MinGiB: 1, Tags: lists{"backup": {"*"}}}}}, []string{onlyDB}},
		"everything except a VPC":                {backup.Selector{All: true, Except: []backup.Match{{VPCs: []string{"vpc-b"}}}}, []string{web, "vol-loose[vol-loose]", "vol-other[vol-other]"}},
		"volumes of a size":                      {backup.Selector{Any: []backup.Match{{MinGiB: 9}}}, []string{"vol-other[vol-other]"}},
		"volumes of a type":                      {backup.Selector{Any: []backup.Match{{VolumeTypes: []string{"st1"}}}}, []string{"i-web[vol-web-b]-[vol-web-root]"}},
		"but for volumes of a type":              {backup.Selector{IDs: []string{"i-web"}, Except: []backup.Match{{VolumeTypes: []string{"st1"}}}}, []string{"i-web[vol-web-root]-[vol-web-b]"}},
		"but for volumes of other types":         {backup.Selector{IDs: []string{"i-web"}, Except: []backup.Match{{Not: []backup.Match{{VolumeTypes: []string{"st1"}}}}}}, []string{"i-web[vol-web-b]-[vol-web-root]"}},
		"an instance with instance stores alone": {backup.Selector{IDs: []string{"i-bare"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := open(t, office)
			require.Equal(t, test.want, found(t, client, test.sel))
		})
	}
}

// TestAMultiAttachVolumeIsChosenOnce: with no instance of it chosen, the first
// that is not excluded protects it; where one is chosen, that one does.
func TestAMultiAttachVolumeIsChosenOnce(t *testing.T) {
	client, _ := open(t, inventory(
		[]vm{{id: "i-1", state: "running"}, {id: "i-2", tags: "a=b", state: "running"}, {id: "i-3", state: "running"}},
		[]disk{{id: "vol-m", at: "i-3 i-1 i-2", device: "/dev/sdm", tags: "shared=yes"}, {id: "vol-1", at: "i-1", device: "/dev/xvda"}},
	))
	shared := backup.Selector{Tags: map[string]string{"shared": "yes"}}
	require.Equal(t, []string{"i-1[vol-m]-[vol-1]"}, found(t, client, shared))
	shared.ExcludeIDs = []string{"i-1"}
	require.Equal(t, []string{"i-2[vol-m]"}, found(t, client, shared))
	require.Equal(t, []string{"i-3[vol-m]"}, found(t, client, backup.Selector{IDs: []string{"i-3", "vol-m"}}))
}

func TestDiscoverTellsAllFacts(t *testing.T) {
	client, _ := open(t, office)
	var got []backup.Resource
	for r, err := range client.Discover(t.Context(), backup.Selector{IDs: []string{"i-web", "vol-loose"}}) {
		require.NoError(t, err)
		got = append(got, r)
	}
	disk := backup.Member{Type: "gp3", SizeGiB: 8, IOPS: 3000, Throughput: 125}
	root, data, loose := disk, disk, disk
	root.Volume, root.Device, root.Root = "vol-web-root", "/dev/xvda", true
	data.Volume, data.Device, data.Type = "vol-web-b", "/dev/sdb", "st1"
	loose.Volume = "vol-loose"
	require.Equal(t, []backup.Resource{{
		ARN: "arn:aws:ec2:eu-west-1:222222222222:instance/i-web", Kind: "instance", Site: site, Name: "web",
		Tags:    map[string]string{"Name": "web", "backup": "daily", "tier": "front"},
		Members: []backup.Member{root, data},
		Machine: backup.Machine{
			InstanceType: "m7i.large", Zone: "eu-west-1b", Architecture: "x86_64",
			BootMode: "uefi-preferred", ENA: true, RootDevice: "/dev/xvda",
			PlatformDetails: "Windows", UsageOperation: "RunInstances:0002", ProductCodes: "one two", SRIOV: "simple", TPM: "v2.0", IMDSv2: true,
		},
	}, {
		ARN: "arn:aws:ec2:eu-west-1:222222222222:volume/vol-loose", Kind: "volume", Site: site,
		Tags: map[string]string{"backup": "daily", "tier": ""}, Members: []backup.Member{loose},
	}}, got)
}

// TestDiscoverAsksForLittle looks at the filters that go over the wire.
func TestDiscoverAsksForLittle(t *testing.T) {
	states := "instance-state-name:pending,running,stopping,stopped"
	status := "status:available,in-use,error"
	many := make([]string, 201)
	for i := range many {
		many[i] = fmt.Sprintf("i-%03d", i)
	}
	for name, test := range map[string]struct {
		sel  backup.Selector
		want []string
	}{
		"everything":     {backup.Selector{All: true}, []string{"DescribeInstances " + states, "DescribeVolumes " + status}},
		"nothing":        {backup.Selector{}, nil},
		"an absent id":   {backup.Selector{IDs: []string{"i-1"}}, []string{"DescribeInstances instance-id:i-1 " + states}},
		"an absent disk": {backup.Selector{IDs: []string{"vol-1"}}, []string{"DescribeVolumes volume-id:vol-1 " + status}},
		"tags":           {backup.Selector{Tags: map[string]string{"b": "", "a": `x*\?\\`}}, []string{`DescribeInstances tag:a:x*\?\\ tag-key:b ` + states, `DescribeVolumes tag:a:x*\?\\ tag-key:b ` + status}},
		"a ? goes out as *, \\ only where needed": {
			backup.Selector{Any: []backup.Match{{Names: []string{`a?\b`, `\?*`}}}},
			[]string{`DescribeInstances tag:Name:a*b,\?* ` + states, `DescribeVolumes tag:Name:a*b,\?* ` + status},
		},
		"a VPC": {backup.Selector{Any: []backup.Match{{VPCs: []string{"vpc-1"}}}}, []string{"DescribeInstances vpc-id:vpc-1 " + states}},
		"a VPC and tags": {
			backup.Selector{Any: []backup.Match{{VPCs: []string{"vpc-1", "vpc-2"}, Tags: map[string][]string{"a": {"1", "2"}, "b": {"*"}}}}},
			[]string{"DescribeInstances tag:a:1,2 tag-key:b vpc-id:vpc-1,vpc-2 " + states, "DescribeVolumes tag:a:1,2 tag-key:b " + status},
		},
		"a type and a size": {
			backup.Selector{Any: []backup.Match{{VolumeTypes: []string{"gp3", "io2"}, MinGiB: 100}}},
			[]string{"DescribeVolumes volume-type:gp3,io2 " + status},
		},
		"ids are joined": {
			backup.Selector{IDs: []string{"i-1"}, Any: []backup.Match{{IDs: []string{"i-2", "vol-1", "i-1"}}, {IDs: []string{"vol-2"}, MinGiB: 1}}},
			[]string{"DescribeInstances instance-id:i-1,i-2 " + states, "DescribeVolumes volume-id:vol-1,vol-2 " + status},
		},
		"what no filter says": {
			backup.Selector{IDs: []string{"i-1"}, Any: []backup.Match{{MinGiB: 100}}},
			[]string{"DescribeInstances " + states, "DescribeVolumes " + status},
		},
		"what is not": {
			backup.Selector{Any: []backup.Match{{Not: []backup.Match{{Tags: map[string][]string{"a": {"1"}}}}}}},
			[]string{"DescribeInstances " + states, "DescribeVolumes " + status},
		},
		"too many listings": {
			backup.Selector{Any: slices.Repeat([]backup.Match{{Names: []string{"a"}}}, 17)},
			[]string{"DescribeInstances " + states, "DescribeVolumes " + status},
		},
		"more than a few": {backup.Selector{IDs: many}, []string{"DescribeInstances instance-id:" + strings.Join(many[:200], ",") + " " + states, "DescribeInstances instance-id:i-200 " + states}},
	} {
		t.Run(name, func(t *testing.T) {
			client, w := open(t, inventory(nil, nil))
			require.Empty(t, found(t, client, test.sel))
			require.Equal(t, test.want, asked(w))
		})
	}
	t.Run("what is attached to the chosen", func(t *testing.T) {
		client, w := open(t, office)
		require.NotEmpty(t, found(t, client, backup.Selector{IDs: []string{"vol-db-data"}}))
		require.Equal(t, []string{
			"DescribeVolumes volume-id:vol-db-data " + status,
			"DescribeInstances instance-id:i-db " + states,
			"DescribeVolumes attachment.instance-id:i-bare,i-db,i-web " + status, // the stub told of all three
			"DescribeInstanceTypes instance-type:m7i.large instance-storage-supported:true",
		}, asked(w))
	})
}

// asked renders the filters of each call.
func asked(w *wire) []string {
	var lines []string
	for _, c := range w.calls {
		line := c.action
		for i := 1; c.form.Has(fmt.Sprintf("Filter.%d.Name", i)); i++ {
			var values []string
			for j := 1; c.form.Has(fmt.Sprintf("Filter.%d.Value.%d", i, j)); j++ {
				values = append(values, c.form.Get(fmt.Sprintf("Filter.%d.Value.%d", i, j)))
			}
			line += " " + c.form.Get(fmt.Sprintf("Filter.%d.Name", i)) + ":" + strings.Join(values, ",")
		}
		lines = append(lines, line)
	}
	return lines
}

func TestKeysAreDescribedOnce(t *testing.T) {
	const ours, theirs, hidden = "arn:key/customer", "arn:key/aws-managed", "arn:key/hidden"
	disks := []disk{
		{id: "vol-1", key: ours},
		{id: "vol-2", key: theirs},
		{id: "vol-3", key: theirs},
		{id: "vol-4", key: hidden},
		{id: "vol-5"},
	}
	all := inventory(nil, disks)
	client, w := open(t, func(r request) answer {
		if r.action == "DescribeKey" && strings.Contains(r.body, hidden) {
			return answer{status: 400, body: `{"__type":"AccessDeniedException","message":"no"}`}
		}
		return all(r)
	})
	for range 2 {
		managed := map[string]bool{}
		for r, err := range client.Discover(t.Context(), backup.Selector{All: true}) {
			require.NoError(t, err)
			managed[r.ID()] = r.Members[0].ManagedKey
		}
		require.Equal(t, map[string]bool{"vol-1": false, "vol-2": true, "vol-3": true, "vol-4": false, "vol-5": false}, managed)
	}
	require.Equal(t, 3, w.count("DescribeKey"))
}

// A role that was refused and is let look at a key later is believed then; what
// is known is not asked again.
func TestARefusedKeyIsDescribedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const theirs, hidden = "arn:key/aws-managed", "arn:key/aws-managed-hidden"
		all, refused := inventory(nil, []disk{{id: "vol-1", key: theirs}, {id: "vol-2", key: hidden}}), true
		client, w := open(t, func(r request) answer {
			if refused && r.action == "DescribeKey" && strings.Contains(r.body, hidden) {
				return answer{status: 400, body: `{"__type":"AccessDeniedException","message":"no"}`}
			}
			return all(r)
		})
		discover := func() map[string]bool {
			managed := map[string]bool{}
			for r, err := range client.Discover(t.Context(), backup.Selector{All: true}) {
				require.NoError(t, err)
				managed[r.ID()] = r.Members[0].ManagedKey
			}
			return managed
		}
		require.Equal(t, map[string]bool{"vol-1": true, "vol-2": false}, discover())
		refused = false
		time.Sleep(9 * time.Minute)
		require.Equal(t, map[string]bool{"vol-1": true, "vol-2": false}, discover())
		require.Equal(t, 2, w.count("DescribeKey"))
		time.Sleep(2 * time.Minute)
		require.Equal(t, map[string]bool{"vol-1": true, "vol-2": true}, discover())
		require.Equal(t, 3, w.count("DescribeKey"))
	})
}

// TestAKeyInTroubleConcernsItsResourcesOnly: KMS fails for one key, and the
// volumes under the other are told all the same.
func TestAKeyInTroubleConcernsItsResourcesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := inventory(nil, []disk{{id: "vol-1", key: "arn:key/broken"}, {id: "vol-2", key: "arn:key/fine"}})
		client, w := open(t, func(r request) answer {
			if r.action == "DescribeKey" && strings.Contains(r.body, "broken") {
				return answer{status: 500, body: `{"__type":"KMSInternalException","message":"oops"}`}
			}
			return all(r)
		})
		failed := map[string]bool{}
		for r, err := range client.Discover(t.Context(), backup.Selector{All: true}) {
			failed[r.ID()] = err != nil
		}
		require.Equal(t, map[string]bool{"vol-1": true, "vol-2": false}, failed)
		require.Equal(t, 6, w.count("DescribeKey"))
	})
}

// TestListingsArePaged serves one volume a page, and one empty page.
func TestListingsArePaged(t *testing.T) {
	pages := map[string]string{"": "b", "b": "c", "c": ""}
	bodies := map[string]string{"": disk{id: "vol-1"}.xml(), "b": "", "c": disk{id: "vol-2"}.xml()}
	client, w := open(t, func(r request) answer {
		if r.action != "DescribeVolumes" {
			return inventory(nil, nil)(r)
		}
		token := r.form.Get("NextToken")
		next := ""
		if pages[token] != "" {
			next = "<nextToken>" + pages[token] + "</nextToken>"
		}
		return ok(r.action, "<volumeSet>"+bodies[token]+"</volumeSet>"+next)
	})
	require.Equal(t, []string{"vol-1[vol-1]", "vol-2[vol-2]"}, found(t, client, backup.Selector{All: true}))
	require.Equal(t, 3, w.count("DescribeVolumes"))
	has(t, w.calls[0].form, "MaxResults=1000")
	has(t, w.calls[1].form, "MaxResults=500")
}

func TestAFailedListingEndsDiscovery(t *testing.T) {
	for _, action := range []string{"DescribeInstances", "DescribeVolumes"} {
		client, _ := open(t, func(r request) answer {
			if r.action == action {
				return refused(403, "UnauthorizedOperation", "no")
			}
			return office(r)
		})
		var errs []error
		for _, err := range client.Discover(t.Context(), backup.Selector{All: true}) {
			errs = append(errs, err)
		}
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], backup.ErrDenied)
		require.ErrorContains(t, errs[0], action)
	}
}

func TestPartitions(t *testing.T) {
	want := map[string]string{
		"eu-west-1": "aws", "us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "cn-north-1": "aws-cn",
		"us-gov-west-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc", "eu-isoe-west-1": "aws-iso-e", "us-isof-south-1": "aws-iso-f",
	}
	for _, region := range slices.Sorted(maps.Keys(want)) {
		client, _ := openAt(t, backup.Site{Account: site.Account, Region: region}, office)
		for r, err := range client.Discover(t.Context(), backup.Selector{IDs: []string{"vol-loose"}}) {
			require.NoError(t, err)
			require.Equal(t, "arn:"+want[region]+":ec2:"+region+":222222222222:volume/vol-loose", r.ARN)
		}
	}
}
