package validator_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dnssecval/dnssecval/anchor"
	"github.com/dnssecval/dnssecval/internal/demo"
	"github.com/dnssecval/dnssecval/internal/testzone"
	"github.com/dnssecval/dnssecval/validator"
	"github.com/miekg/dns"
)

// The examples ask a small signed tree in the same process. Its root has a key of its own.
var tree = sync.OnceValue(func() *testzone.World {
	w, err := demo.NewWorld(time.Now())
	if err != nil {
		log.Fatal(err)
	}
	return w
})

// resolver is an Exchanger that answers as a resolver of the tree does.
var resolver = validator.ExchangerFunc(func(_ context.Context, request *dns.Msg, _ validator.Manner) (*dns.Msg, error) {
	return tree().Answer(request), nil
})

// treeAnchors are the trust anchors of the tree, a DS record.
func treeAnchors() string { return strings.Join(tree().Anchors("."), "\n") }

// An Exchanger over UDP and TCP, and a validator with the built-in trust anchors of the root.
func Example_resolver() {
	resolver := func(ctx context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
		client := dns.Client{Net: "udp"}
		if how.TCP {
			client.Net = "tcp"
		}
		response, _, err := client.ExchangeContext(ctx, request, "9.9.9.9:53")
		return response, err
	}
	v, err := validator.New(validator.ExchangerFunc(resolver), validator.Options{})
	if err != nil {
		log.Fatal(err)
	}
	answer, result := v.Resolve(context.Background(), new(dns.Msg).SetQuestion("www.example.org.", dns.TypeA))
	fmt.Println(result.Status, answer)
}

// Without options the validator has the built-in trust anchors of the root. Nothing is
// secure that has another root.
func ExampleNew() {
	v, err := validator.New(resolver, validator.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(v.Anchors())
	answer, result := v.Resolve(context.Background(), new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA))
	fmt.Println(dns.RcodeToString[answer.Rcode], result.Status, result.Reason)
	// Output:
	// . 20326 (built in) 38696 (built in)
	// SERVFAIL bogus dnskey_no_anchor_match
}

// A resolver with a private root needs a trust anchor for it.
func ExampleValidator_Resolve() {
	anchors, _, err := anchor.Parse("anchors", treeAnchors(), anchor.Rules{})
	if err != nil {
		log.Fatal(err)
	}
	set, _ := anchor.NewSet(anchors)
	v, err := validator.New(resolver, validator.Options{Anchors: set})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"www.signed.example.", "nobody.signed.example.", "www.unsigned.example.", "www.tampered.example."} {
		request := new(dns.Msg).SetQuestion(name, dns.TypeA)
		request.AuthenticatedData = true // the client understands AD
		answer, result := v.Resolve(context.Background(), request)
		fmt.Println(name, dns.RcodeToString[answer.Rcode], len(answer.Answer), answer.AuthenticatedData, result.Status)
	}
	// Output:
	// www.signed.example. NOERROR 1 true secure
	// nobody.signed.example. NXDOMAIN 0 true secure
	// www.unsigned.example. NOERROR 1 false insecure
	// www.tampered.example. SERVFAIL 0 false bogus
}

// A program that has a response already validates it, and makes the answer for its client.
// The request for the response had DO, the client's need not have it.
func ExampleValidator_Validate() {
	v := newValidator()
	ctx := context.Background()
	request := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA).SetEdns0(1232, true)
	response, err := resolver(ctx, request, validator.Manner{})
	if err != nil {
		log.Fatal(err)
	}
	result := v.Validate(ctx, request, response)
	fmt.Println(result.Status, len(response.Answer), "records")

	client := new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA)
	answer := result.Reply(client, response)
	fmt.Println(dns.RcodeToString[answer.Rcode], len(answer.Answer), "record")
	// Output:
	// secure 2 records
	// NOERROR 1 record
}

// A report says where the chain fails, and what to do about it.
func ExampleValidator_Explain() {
	v := newValidator()
	report, err := v.Explain(context.Background(), "www.tampered.example.", dns.TypeA)
	if err != nil {
		log.Fatal(err)
	}
	for _, zone := range report.Zones {
		fmt.Println("zone", zone.Name, zone.Status, len(zone.Keys), "keys")
	}
	for _, set := range report.RRsets {
		fmt.Println(set.String(), set.Status, set.Reason)
	}
	zone, records := report.Failed()
	fmt.Println("at fault:", zone, len(records), "record")
	fmt.Println(report.Reason.Remedy())
	// Output:
	// zone . secure 2 keys
	// zone example. secure 2 keys
	// zone tampered.example. secure 2 keys
	// A www.tampered.example. bogus signature_invalid
	// at fault: tampered.example. 1 record
	// Ask another upstream. If the signature verifies there, this one or the way to it changes answers. If not, the zone's owner has to sign again.
}

// Negative trust anchors are added to a set before it is used, or to a clone later.
func ExampleValidator_SetAnchors() {
	v := newValidator()
	request := new(dns.Msg).SetQuestion("www.tampered.example.", dns.TypeA)
	_, result := v.Resolve(context.Background(), request)
	fmt.Println(result.Status, result.Reason)

	set := v.Anchors().Clone()
	set.Disable(anchor.Negative{Until: time.Now().Add(24 * time.Hour)}, "tampered.example")
	v.SetAnchors(set)
	_, result = v.Resolve(context.Background(), request)
	fmt.Println(result.Status, result.Reason)
	// Output:
	// bogus signature_invalid
	// insecure negative_trust_anchor
}

// An Exchanger that limits the questions under way wraps ErrNotAsked.
func ExampleExchangerFunc() {
	busy := make(chan struct{}, 1)
	limited := validator.ExchangerFunc(func(ctx context.Context, request *dns.Msg, how validator.Manner) (*dns.Msg, error) {
		select {
		case busy <- struct{}{}:
			defer func() { <-busy }()
			return resolver(ctx, request, how)
		default:
			return nil, fmt.Errorf("%w: too many questions", validator.ErrNotAsked)
		}
	})
	busy <- struct{}{} // somebody else asks
	_, err := limited(context.Background(), new(dns.Msg).SetQuestion("www.signed.example.", dns.TypeA), validator.Manner{})
	fmt.Println(err, errors.Is(err, validator.ErrNotAsked))
	// Output:
	// not asked: too many questions true
}

// newValidator returns a validator that trusts the root of the tree.
func newValidator() *validator.Validator {
	anchors, _, err := anchor.Parse("anchors", treeAnchors(), anchor.Rules{})
	if err != nil {
		log.Fatal(err)
	}
	set, _ := anchor.NewSet(anchors)
	v, err := validator.New(resolver, validator.Options{Anchors: set})
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// TestReadme: the program in the README is Example_resolver.
func TestReadme(t *testing.T) {
	between := func(path, begin, end string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), begin)
		found, _, ok := strings.Cut(rest, end)
		if !ok {
			t.Fatalf("%s has no %q", path, begin)
		}
		return found
	}
	readme := between("../README.md", "~~~ go\n", "~~~\n")
	example := between("example_test.go", "func Example_resolver() {\n", "}\n\n")
	if example = strings.TrimPrefix(strings.ReplaceAll("\n"+example, "\n\t", "\n"), "\n"); readme != example {
		t.Errorf("README.md has\n%s\nthe example is\n%s", readme, example)
	}
}
