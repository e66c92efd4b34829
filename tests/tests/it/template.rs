//! `template.yaml` beside the code and the README: what is deployed is what was written and what is explained.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use contact_bridge::{
    adapters::dynamodb,
    flows::form,
    mapping::wix_fields,
    model::{ids::FormId, message::Message, site::form::Forms},
    webhook::{Sender, services},
};
use serde_yaml_ng::{Mapping, Value};
use syn::visit::Visit;

use super::source::{fields, names_in, parse, snake_case, text, variants};

/// Variables that only a person at a terminal sets.
const BY_HAND: [&str; 1] = ["RUST_LOG"];

/// The parsed template.
struct Template(Value);

impl Template {
    fn read() -> Self {
        Self(serde_yaml_ng::from_str(&text("template.yaml")).unwrap())
    }

    fn resources(&self, kind: &str) -> BTreeMap<String, &Value> {
        let all = self.0["Resources"].as_mapping().unwrap().iter();
        let named = all.map(|(name, resource)| (name.as_str().unwrap().to_owned(), resource));
        named.filter(|(_, resource)| resource["Type"] == kind).collect()
    }

    fn resource(&self, name: &str) -> &Value {
        &self.0["Resources"][name]
    }

    /// The functions, by the names of their folders.
    fn functions(&self) -> BTreeMap<String, (String, &Value)> {
        let functions = self.resources("AWS::Serverless::Function").into_iter();
        let binary = |function: &Value| function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap().to_owned();
        functions.map(|(name, function)| (binary(function), (name, function))).collect()
    }

    fn variables(&self, function: &str) -> BTreeSet<String> {
        let variables = &self.functions()[function].1["Properties"]["Environment"]["Variables"];
        keys(variables.as_mapping().unwrap())
    }

    fn alarms(&self, metric: &str) -> Vec<String> {
        let alarms = self.resources("AWS::CloudWatch::Alarm").into_values().map(|alarm| &alarm["Properties"]);
        alarms.filter(|alarm| alarm["MetricName"] == metric).map(|alarm| target(&alarm["Dimensions"][0]["Value"])).collect()
    }

    fn statements(&self, role: &str) -> Vec<Value> {
        let policies = self.resource(role)["Properties"]["Policies"].as_sequence().unwrap();
        assert_eq!(policies.len(), 1, "{role} has one policy");
        let statements = policies[0]["PolicyDocument"]["Statement"].as_sequence().unwrap().clone();
        // A statement behind a condition: `!If [condition, statement, nothing]`.
        statements.into_iter().map(|statement| if statement["Action"].is_null() { statement[1].clone() } else { statement }).collect()
    }
}

fn keys(mapping: &Mapping) -> BTreeSet<String> {
    mapping.keys().map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// Returns the resource that `!Ref` or `!GetAtt` points to.
fn target(value: &Value) -> String {
    let text = value.as_str().or_else(|| if let Value::Tagged(tagged) = value { tagged.value.as_str() } else { None });
    text.unwrap_or_else(|| panic!("{value:?}")).split('.').next().unwrap().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Sequence(items) => items.iter().flat_map(texts).collect(),
        Value::Tagged(tagged) => texts(&tagged.value),
        _ => Vec::new(),
    }
}

/// The texts in a source that look like names of environment variables, tests left out.
#[derive(Default)]
struct Variables(BTreeSet<String>);

impl<'ast> Visit<'ast> for Variables {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        let text = text.value();
        if text.contains('_') && text.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_') {
            self.0.insert(text);
        }
    }
}

/// The variables a function reads: those of its own settings (`webhook-intake` has `config/intake.rs`), of what these have of others, and of the
/// logs.
fn read_by(function: &str) -> BTreeSet<String> {
    const PARTS: [(&str, &str); 3] =
        [("WixApp::from_variables(", "wix"), ("Worker::from_variables(", "worker"), ("Vendors::from_variables(", "vendors")];
    let mut files = vec![function.rsplit('-').next().unwrap()];
    let mut read = 0;
    while let Some(name) = files.get(read) {
        let settings = text(&format!("shared/src/config/{name}.rs"));
        let parts = PARTS.iter().filter(|(part, file)| settings.contains(part) && !files.contains(file)).map(|(_, file)| *file);
        files.extend(parts.collect::<Vec<_>>());
        read += 1;
    }
    let mut variables = Variables::default();
    let files = files.iter().map(|name| format!("shared/src/config/{name}.rs"));
    files.chain(["shared/src/telemetry.rs".to_owned()]).for_each(|file| variables.visit_file(&parse(&file)));
    variables.0
}

/// What the role of a function allows it.
pub(super) fn allowed_actions(function: &str) -> BTreeSet<String> {
    let template = Template::read();
    let role = target(&template.functions()[function].1["Properties"]["Role"]);
    template.statements(&role).iter().flat_map(|statement| texts(&statement["Action"])).collect()
}

/// How long an invocation of a function may take.
pub(super) fn timeout(function: &str) -> Duration {
    let seconds = Template::read().functions()[function].1["Properties"]["Timeout"].as_u64().unwrap();
    Duration::from_secs(seconds)
}

#[test]
fn every_function_has_a_folder_and_a_place_in_the_template_and_the_readme() {
    let template = Template::read();
    assert_eq!(template.functions().into_keys().collect::<BTreeSet<_>>(), names_in("functions"));
    let readme = text("README.md");
    for function in names_in("functions") {
        assert!(readme.contains(&format!("`{function}`")), "README.md does not name {function}");
        assert!(names_in("events").contains(&function), "{function} has no sample events");
    }
}

#[test]
fn every_variable_is_in_the_code_the_template_and_the_readme() {
    let (template, readme) = (Template::read(), text("README.md"));
    for function in names_in("functions") {
        let read = read_by(&function);
        let set_by_deployment = read.iter().filter(|name| !BY_HAND.contains(&name.as_str())).cloned().collect::<BTreeSet<_>>();
        assert_eq!(template.variables(&function), set_by_deployment, "{function}");
        for name in read {
            assert!(readme.contains(&format!("`{name}`")), "README.md does not explain {name}");
        }
    }
}

#[test]
fn every_parameter_of_the_template_is_in_the_readme() {
    let readme = text("README.md");
    for name in keys(Template::read().0["Parameters"].as_mapping().unwrap()) {
        assert!(readme.contains(&format!("`{name}`")), "README.md does not explain {name}");
    }
}

#[test]
fn every_route_leads_to_a_sender() {
    let (template, readme) = (Template::read(), text("README.md"));
    let routes = template.resources("AWS::ApiGatewayV2::Route");
    let mut senders = BTreeSet::new();
    for route in routes.values() {
        let key = route["Properties"]["RouteKey"].as_str().unwrap();
        if key.contains(" /forms/") {
            continue;
        }
        assert!(readme.contains(key), "README.md does not name {key}");
        let (method, path) = key.split_once(' ').unwrap();
        let path = path.replace("{site}", "3d1f7a52").replace("{source}", "own");
        let looks_first = |sender: Sender| sender.looks_first();
        assert!(method == "POST" || Sender::of_path(&path).is_some_and(looks_first), "nobody asks {key}");
        // Pipedrive has no sources.
        let pipedrive = (!key.contains("{source}")).then_some("pipedrive");
        for service in services().into_iter().chain(pipedrive) {
            let path = path.replace("{sender}", service);
            senders.insert(Sender::of_path(&path).unwrap_or_else(|| panic!("{key} leads nowhere")).name());
        }
    }
    assert_eq!(senders, services().into_iter().chain(["hubspot", "mailchimp", "pipedrive", "wix"]).collect());
}

#[test]
fn every_route_of_forms_is_one_that_is_tried_on_one_machine() {
    let (template, readme) = (Template::read(), text("README.md"));
    let routes = template.resources("AWS::ApiGatewayV2::Route");
    let keys: BTreeSet<_> = routes.values().map(|route| route["Properties"]["RouteKey"].as_str().unwrap()).collect();
    let forms: Vec<_> = keys.into_iter().filter(|key| key.contains(" /forms/")).collect();
    assert_eq!(forms, ["GET /forms/{site}/submissions/{id}", "OPTIONS /forms/{site}/{form}", "POST /forms/{site}/{form}"]);
    for key in forms {
        assert!(text("local/src/stack/door.rs").contains(&format!("\"{key}\"")), "{key} is not tried on one machine");
        assert!(readme.contains(key), "README.md does not name {key}");
    }
}

#[test]
fn every_function_keeps_its_logs_for_a_bounded_time() {
    let template = Template::read();
    for (function, (_, resource)) in template.functions() {
        let group = template.resource(&target(&resource["Properties"]["LoggingConfig"]["LogGroup"]));
        assert_eq!(group["Type"], "AWS::Logs::LogGroup", "{function}");
        assert!(!group["Properties"]["RetentionInDays"].is_null(), "{function}");
    }
}

#[test]
fn every_function_and_queue_is_watched() {
    let template = Template::read();
    for (function, (resource, _)) in template.functions() {
        assert!(template.alarms("Errors").contains(&resource), "{function}");
    }
    let mut watched = template.alarms("ApproximateAgeOfOldestMessage");
    watched.extend(template.alarms("ApproximateNumberOfMessagesVisible"));
    for queue in template.resources("AWS::SQS::Queue").keys() {
        assert!(watched.contains(queue), "{queue}");
    }
}

#[test]
fn every_alarm_has_an_entry_in_the_runbook() {
    let readme = text("README.md");
    for (name, alarm) in Template::read().resources("AWS::CloudWatch::Alarm") {
        let description = alarm["Properties"]["AlarmDescription"].as_str().unwrap();
        let entry = description.split('"').nth(1).unwrap_or_else(|| panic!("{name} names no entry"));
        assert!(readme.contains(&format!("### {entry}\n")), "{name}: README.md has no entry \"{entry}\"");
    }
}

#[test]
fn every_function_has_one_policy_without_wildcards() {
    let template = Template::read();
    for (function, (_, resource)) in template.functions() {
        assert!(resource["Properties"]["Policies"].is_null(), "{function}: its policy is in its role");
        for statement in template.statements(&target(&resource["Properties"]["Role"])) {
            let (actions, resources) = (texts(&statement["Action"]), texts(&statement["Resource"]));
            assert!(!actions.is_empty() && !resources.is_empty(), "{function}: {statement:?}");
            assert!(actions.iter().all(|action| !action.contains('*')), "{function}: {actions:?}");
            assert!(resources.iter().all(|resource| resource != "*"), "{function}: {actions:?}");
        }
    }
}

/// How long a worker that announced a write has the link for itself.
fn seconds_of_an_intent() -> u64 {
    seconds("shared/src/flows/contact.rs", "INTENT_TIME")
}

/// The seconds of a constant.
fn seconds(file: &str, name: &str) -> u64 {
    let source = text(file);
    let in_unit = |unit: &str, factor: u64| {
        let (_, value) = source.split_once(&format!("const {name}: SignedDuration = SignedDuration::from_{unit}("))?;
        Some(value.split(')').next().unwrap().parse::<u64>().unwrap() * factor)
    };
    in_unit("secs", 1).or_else(|| in_unit("mins", 60)).unwrap()
}

#[test]
fn a_worker_ends_before_anybody_takes_its_work_over() {
    let template = Template::read();
    let timeout = |function: &str| timeout(function).as_secs();
    for (function, queue) in [("contact-sync", "ContactSyncQueue"), ("inbox-relay", "InboxRelayQueue")] {
        let queue = template.resource(queue);
        assert!(queue["Properties"]["VisibilityTimeout"].as_u64().unwrap() >= 6 * timeout(function), "{function}");
    }
    assert!(timeout("contact-sync") <= seconds_of_an_intent(), "a live worker's link is taken over");
    let queue = template.resource("FormUpsertQueue");
    assert!(queue["Properties"]["VisibilityTimeout"].as_u64().unwrap() >= 6 * timeout("form-upsert"));
    let queue = template.resource("ScheduledExportQueue");
    assert!(queue["Properties"]["VisibilityTimeout"].as_u64().unwrap() >= 6 * timeout("scheduled-export"));
    assert!(timeout("form-upsert") < seconds("shared/src/flows/form.rs", "CLAIM_TIME"), "a live worker's submission is taken over");
    assert!(timeout("inbox-relay") < seconds("shared/src/flows/inbox.rs", "CLAIM_TIME"), "a live worker's message is taken over");
}

/// The patterns of a rule's detail types; a schedule has none.
fn prefixes_of(rule: &Value) -> Vec<String> {
    let types = rule["Properties"]["EventPattern"]["detail-type"].as_sequence();
    types.into_iter().flatten().map(|one| one["prefix"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_event_goes_to_one_function() {
    let template = Template::read();
    let rules = template.resources("AWS::Events::Rule");
    let targets = |detail_type: &str| {
        let takes = |rule: &&&Value| prefixes_of(rule).iter().any(|prefix| detail_type.starts_with(prefix.as_str()));
        rules.values().filter(takes).map(|rule| rule["Properties"]["Targets"][0]["Id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for detail_type in ["contact.created", "contact.resync", "site.installed", "site.removed"] {
        assert_eq!(targets(detail_type), ["contact-sync"], "{detail_type}");
    }
    assert_eq!(targets("export.requested"), ["scheduled-export"]);
    assert_eq!(targets(Message::DETAIL_TYPE), ["inbox-relay"]);
}

#[test]
fn queues_are_encrypted_and_dead_letters_kept_for_two_weeks() {
    let template = Template::read();
    for (name, queue) in template.resources("AWS::SQS::Queue") {
        let properties = &queue["Properties"];
        assert_eq!(properties["SqsManagedSseEnabled"], true, "{name}");
        if name.ends_with("DeadLetters") {
            assert_eq!(properties["MessageRetentionPeriod"], 14 * 24 * 3600, "{name}");
        }
    }
}

#[test]
fn the_table_is_the_one_the_adapter_expects() {
    let template = Template::read();
    let table = &template.resource("Table")["Properties"];
    let key = |index: usize| table["KeySchema"][index]["AttributeName"].as_str().unwrap().to_owned();
    assert_eq!((key(0).as_str(), key(1).as_str()), (dynamodb::PARTITION_KEY, dynamodb::SORT_KEY));
    assert_eq!(table["TimeToLiveSpecification"]["AttributeName"], dynamodb::EXPIRY);
    let index = &table["GlobalSecondaryIndexes"][0];
    let key = |place: usize| index["KeySchema"][place]["AttributeName"].as_str().unwrap().to_owned();
    assert_eq!(index["IndexName"], dynamodb::DUE_INDEX);
    assert_eq!((key(0).as_str(), key(1).as_str()), (dynamodb::DUE_IN, dynamodb::DUE_AT));
    assert_eq!(template.resource("Table")["DeletionPolicy"], "Retain");
}

#[test]
fn every_sample_event_is_for_a_function_that_exists() {
    for folder in names_in("events").into_iter().filter(|name| !["keys", "README.md"].contains(&name.as_str())) {
        assert!(names_in("functions").contains(&folder), "events/{folder}");
        for file in names_in(&format!("events/{folder}")) {
            let json: Result<serde_json::Value, _> = serde_json::from_str(&text(&format!("events/{folder}/{file}")));
            assert!(json.is_ok_and(|event| event.is_object()), "events/{folder}/{file}");
        }
    }
}

#[test]
fn the_runbook_has_everything_that_can_wait_for_a_person() {
    let readme = text("README.md");
    for reason in variants("shared/src/model/link.rs", "ParkedReason").iter().map(|name| snake_case(name)) {
        assert!(readme.contains(&format!("| `{reason}` |")), "the runbook has no entry {reason}");
    }
    for hold in variants("shared/src/model/link.rs", "Hold").iter().map(|name| snake_case(name)) {
        assert!(readme.contains(&format!("`{hold}`")), "the runbook has no entry {hold}");
    }
    for reason in variants("shared/src/model/run.rs", "Reason").iter().map(|name| snake_case(name)) {
        assert!(readme.contains(&format!("| `{reason}` |")), "the runbook has no entry {reason}");
    }
    for reason in variants("shared/src/flows/inbox/outcome.rs", "Parked").iter().map(|name| snake_case(name)) {
        assert!(readme.contains(&format!("| `parked: {reason}` |")), "the runbook has no entry {reason}");
    }
    let skips = variants("shared/src/flows/inbox/outcome.rs", "Skip").into_iter();
    for skip in skips.chain(variants("shared/src/flows/contact/outcome.rs", "Skip")) {
        assert!(readme.contains(&format!("| `{skip}` |")), "the runbook has no entry {skip}");
    }
}

#[test]
fn the_readme_explains_every_setting_of_a_form() {
    let (readme, file) = (text("README.md"), "shared/src/model/site/form.rs");
    for name in ["Form", "FormField", "ConsentBox", "FormLimits"].into_iter().flat_map(|name| fields(file, name)) {
        assert!(readme.contains(&format!("`{name}`")), "README.md does not explain {name}");
    }
    for option in ["FormSender", "OnFilled"].into_iter().flat_map(|name| variants(file, name)).map(|option| snake_case(&option)) {
        assert!(readme.contains(&format!("`{option}`")), "README.md does not explain {option}");
    }
    let answers = "shared/src/model/submission.rs";
    for word in ["Reason", "Action", "Subscribed"].into_iter().flat_map(|name| variants(answers, name)).map(|word| snake_case(&word)) {
        assert!(readme.contains(&format!("`{word}`")), "README.md does not explain {word}");
    }
    for service in contact_bridge::webhook::forms::service_names() {
        assert!(readme.contains(&format!("`{service}`")), "README.md does not explain {service}");
    }
}

/// The first block of code of this language in the README that contains a text.
fn block(language: &str, containing: &str) -> String {
    let readme = text("README.md");
    let opening = format!("```{language}\n");
    let blocks = readme.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks.into_iter().find(|block| block.contains(containing)).unwrap_or_else(|| panic!("no block with {containing}"))
}

#[test]
fn the_readmes_forms_pass_and_its_page_and_calls_fit_them() {
    let forms: Forms = serde_json::from_str(&block("json", "\"sender\"")).unwrap();
    assert_eq!(form::check(&forms, &[], &wix_fields()), []);
    let used = |form: &str, name: &str| {
        let form = &forms[&FormId::from(form)];
        let consent = form.consent.as_ref().map(|consent| consent.field.as_str());
        form.fields.iter().any(|field| field.from == name) || consent == Some(name) || form.honeypot.as_deref() == Some(name)
    };
    let page = block("html", "<form");
    let names: Vec<_> = page.split(" name=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(names, ["email", "first_name", "newsletter", "website"]);
    assert!(names.iter().all(|name| used("newsletter", name)), "{names:?}");
    let calls = block("sh", "demo-form-token");
    let calls = calls.replace("--data-urlencode", "-d");
    let given: Vec<_> = calls.split(" -d ").skip(1).filter_map(|rest| rest.split_once('=')).map(|(name, _)| name).collect();
    assert!(given.contains(&"phone") && given.iter().all(|name| used("contact", name) || used("newsletter", name)), "{given:?}");
    assert!(text("local/src/demo/forms.rs").contains("\"demo-form-token\""), "the demonstration has the token of the README");
}

#[test]
fn the_readme_explains_every_setting_of_a_site() {
    let (readme, file) = (text("README.md"), "shared/src/model/site.rs");
    for name in fields(file, "Site").into_iter().chain(fields(file, "MappingRow")).chain(fields(file, "Rails")) {
        assert!(readme.contains(&format!("`{name}`")), "README.md does not explain {name}");
    }
    let file = "shared/src/model/site/export.rs";
    for name in fields(file, "Export").into_iter().chain(variants(file, "Include").iter().map(|option| snake_case(option))) {
        assert!(readme.contains(&format!("`{name}`")), "README.md does not explain {name}");
    }
    for name in fields("shared/src/model/site/inbox.rs", "Source").into_iter().chain(fields("shared/src/model/site/inbox.rs", "Badge")) {
        assert!(readme.contains(&format!("`{name}`")), "README.md does not explain {name}");
    }
    for name in ["SeveralMatches", "NoMatch", "Visibility", "Way"] {
        for option in variants("shared/src/model/site/inbox.rs", name).iter().map(|option| snake_case(option)) {
            assert!(readme.contains(&format!("`{option}`")), "README.md does not explain {name} {option}");
        }
    }
    let file = "shared/src/model/site.rs";
    for name in ["Transform", "Direction", "OnEmpty", "OnConflict", "OnDelete", "OnMerge"] {
        for option in variants(file, name).iter().map(|option| snake_case(option)) {
            assert!(readme.contains(&format!("`{option}`")), "README.md does not explain {name} {option}");
        }
    }
}
