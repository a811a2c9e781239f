// Checks a history of conditional requests for linearizability, key by key.
//
//	linearizability HISTORY.jsonl
//
// One line per request, as harness/conditional_clients.py writes them. Prints one word, Ok, Illegal or Unknown (not decided
// in time), and ends with 0, 1 or 2.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// Longer than any history of a correct server takes by far; only a wrong one is searched to its end.
const patience = 10 * time.Minute

type request struct {
	Key    string `json:"key"`
	Client int    `json:"client"`
	Call   int64  `json:"call"`
	Return int64  `json:"return"`
	Kind   string `json:"kind"`   // put, delete or read of one key; add, remove or list of the keys below a prefix.
	If     string `json:"if"`     // The entity tag that must be there; empty: no such condition.
	Unless string `json:"unless"` // The one that must not be there, or *.
	New    string `json:"new"`    // What a put leaves; what is added or removed.
	Status int    `json:"status"` // 0: no answer; it took effect before `Return`, or never.
	Seen   string `json:"seen"`   // What a read showed; what was listed, sorted and joined by commas.
}

const absent = ""

// decide says which status a server in this state must answer.
func decide(state string, asked request) int {
	if asked.If != "" && state == absent {
		return 404
	}
	if asked.If != "" && state != asked.If {
		return 412
	}
	refused := state != absent && (asked.Unless == "*" || asked.Unless == state)
	switch {
	case refused && asked.Kind == "read":
		return 304
	case refused:
		return 412
	case asked.Kind == "delete" || asked.Kind == "remove":
		return 204
	case asked.Kind == "read" && state == absent:
		return 404
	}
	return 200
}

// after is the state that a granted request leaves.
func after(state string, asked request) string {
	switch asked.Kind {
	case "put":
		return asked.New
	case "delete":
		return absent
	case "add", "remove":
		return withMember(state, asked.New, asked.Kind == "add")
	}
	return state
}

// withMember is the set with this member, or without it.
func withMember(set, member string, wanted bool) string {
	var members []string
	for _, each := range strings.Split(set, ",") {
		if each != member && each != "" {
			members = append(members, each)
		}
	}
	if wanted {
		members = append(members, member)
	}
	sort.Strings(members)
	return strings.Join(members, ",")
}

func shows(asked request) bool { return asked.Kind == "read" || asked.Kind == "list" }

func step(state, input, _ interface{}) []interface{} {
	before, asked := state.(string), input.(request)
	right := decide(before, asked)
	granted := right == 200 || right == 204
	if asked.Status == 0 {
		if granted {
			return []interface{}{before, after(before, asked)}
		}
		return []interface{}{before}
	}
	if asked.Status != right || (shows(asked) && granted && asked.Seen != before) {
		return nil
	}
	if granted {
		return []interface{}{after(before, asked)}
	}
	return []interface{}{before}
}

func byKey(history []porcupine.Operation) [][]porcupine.Operation {
	groups := map[string][]porcupine.Operation{}
	for _, operation := range history {
		key := operation.Input.(request).Key
		groups[key] = append(groups[key], operation)
	}
	var partitions [][]porcupine.Operation
	for _, group := range groups {
		partitions = append(partitions, group)
	}
	return partitions
}

func read(path string) []porcupine.Operation {
	file, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	var history []porcupine.Operation
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var one request
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			log.Fatal(err)
		}
		history = append(history, porcupine.Operation{ClientId: one.Client, Input: one, Call: one.Call, Return: one.Return})
	}
	if err := lines.Err(); err != nil {
		log.Fatal(err)
	}
	return history
}

func main() {
	model := porcupine.NondeterministicModel{
		Partition: byKey,
		Init:      func() []interface{} { return []interface{}{absent} },
		Step:      step,
		Equal:     func(one, two interface{}) bool { return one == two },
	}
	verdict := porcupine.CheckOperationsTimeout(model.ToModel(), read(os.Args[1]), patience)
	fmt.Println(verdict)
	os.Exit(map[porcupine.CheckResult]int{porcupine.Ok: 0, porcupine.Illegal: 1, porcupine.Unknown: 2}[verdict])
}
