//! The prober: plan, schedule and asking together, and what its attempts teach.
//!
//! It ends when it is dropped, when nobody takes its events any more, or after the rounds it was told to make.

use super::learned::Learned;
use super::plan::{Ground, Plan};
use super::schedule::{Pace, Schedule, Turn};
use super::surroundings::{ProbingError, Surroundings};
use crate::dependency::Dependencies;
use crate::observation::{FileId, RecordRef};
use crate::org::{Organization, ProbeResolver};
use crate::probe::ask::{Asker, Attempt, Families, Limits, ProberTrouble};
use crate::probe::{ProbeResult, Question, Target};
use crate::time::Span;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often `once` asks what its answers have taught: name servers, then their addresses, then what they are asked.
const PASSES: usize = 4;

/// What happens while probing.
#[derive(Clone, PartialEq, Debug)]
pub enum ProbeEvent {
    /// There is a plan, the first or another one, since answers taught something.
    Planned {
        /// How many questions it has.
        questions: usize,
        /// What is not asked, in words for people.
        notes: Vec<String>,
        /// What services need, by the answers so far.
        dependencies: Dependencies,
    },
    /// An attempt ended.
    Result(ProbeResult),
    /// An attempt was not made, since the prober is in trouble itself: this says nothing of the target.
    Trouble {
        /// What was to be asked.
        target: Target,
        /// Why it was not.
        trouble: ProberTrouble,
    },
    /// A question was not asked, since the one before it is still unanswered.
    PassedOver(Target),
}

/// Probes an organization.
pub struct Prober {
    organization: Organization,
    resolvers: Vec<ProbeResolver>,
    families: Families,
    asker: Arc<Asker>,
    vantage: Arc<str>,
    seed: u64,
    file: FileId,
    /// Results so far.
    records: u64,
    learned: Learned,
    plan: Plan,
}

type Asked = Result<Attempt, ProberTrouble>;

impl Prober {
    /// Of an organization, with what the machine has. Results get places in `file`, in the order in which they end.
    ///
    /// # Errors
    /// If nothing follows from the profile which could be asked.
    pub fn new(organization: Organization, surroundings: Surroundings, file: FileId) -> Result<Prober, ProbingError> {
        let Surroundings { tls, families, resolvers, vantage, seed } = surroundings;
        let probing = &organization.probing;
        let limits = Limits { dns: duration(probing.dns_timeout), http: duration(probing.http_timeout) };
        let asker = Arc::new(Asker::new(tls, families, limits));
        let (learned, plan) = (Learned::default(), Plan::default());
        let mut prober = Prober { organization, resolvers, families, asker, vantage, seed, file, records: 0, learned, plan };
        prober.plan = prober.drawn(&prober.learned.dependencies(&prober.organization));
        if prober.plan.questions.is_empty() { Err(ProbingError::NothingToAsk) } else { Ok(prober) }
    }

    /// What is asked as long as nothing was learned.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Asks everything again and again, for so many rounds if a number is given. Whoever takes the events does not let them wait: while
    /// there is no room for another one, nothing is asked.
    pub async fn run(mut self, rounds: Option<u64>, events: mpsc::Sender<ProbeEvent>) {
        let probing = &self.organization.probing;
        let (every, concurrency) = (duration(probing.every), usize::from(probing.concurrency));
        let mut schedule = Schedule::new(Pace { every, concurrency, rounds, seed: self.seed });
        let mut planned = false;
        loop {
            let turn = self.turn(&mut schedule, &events).await;
            let told = match turn {
                Turn::Round => {
                    let told = if self.draw() || !planned { self.tell_plan(&events).await } else { Some(()) };
                    planned = true;
                    schedule.begin(self.plan.questions.clone());
                    told
                }
                Turn::Over => None,
                Turn::Ended(question, asked) => self.ended(&question, asked, &events).await,
                Turn::PassedOver(question) => events.send(ProbeEvent::PassedOver(question.target())).await.ok(),
            };
            if told.is_none() {
                return;
            }
        }
    }

    /// Asks everything once, without delay, and what the answers teach; whoever goes on to [run](Prober::run) knows it.
    pub async fn once(&mut self, events: mpsc::Sender<ProbeEvent>) {
        let concurrency = usize::from(self.organization.probing.concurrency);
        let mut asked = HashSet::new();
        for _ in 0..PASSES {
            let questions = self.plan.questions.iter().filter(|question| asked.insert(Arc::clone(question)));
            let questions: Vec<Arc<Question>> = questions.cloned().collect();
            if questions.is_empty() || self.tell_plan(&events).await.is_none() {
                return;
            }
            let mut schedule = Schedule::new(Pace { every: Duration::ZERO, concurrency, rounds: Some(1), seed: self.seed });
            schedule.begin(questions);
            loop {
                match self.turn(&mut schedule, &events).await {
                    Turn::Ended(question, asked) => {
                        if self.ended(&question, asked, &events).await.is_none() {
                            return;
                        }
                    }
                    Turn::Round | Turn::PassedOver(_) => {}
                    Turn::Over => break,
                }
            }
            self.draw();
        }
    }

    /// The next turn; nothing more happens when nobody takes events any more.
    async fn turn(&self, schedule: &mut Schedule<Question, Asked>, events: &mpsc::Sender<ProbeEvent>) -> Turn<Question, Asked> {
        let ask = |question: &Question| {
            let (asker, question) = (Arc::clone(&self.asker), question.clone());
            async move { asker.ask(&question).await }
        };
        tokio::select! {
            turn = schedule.turn(ask) => turn,
            () = events.closed() => Turn::Over,
        }
    }

    /// Makes a plan anew if something was learned; true if it is another one.
    fn draw(&mut self) -> bool {
        if !self.learned.has_changed() {
            return false;
        }
        let plan = self.drawn(&self.learned.dependencies(&self.organization));
        self.learned.keep(&plan.questions);
        let changed = plan != self.plan;
        self.plan = plan;
        changed
    }

    fn drawn(&self, dependencies: &Dependencies) -> Plan {
        let reach = |address| self.families.reach(address);
        let ground = Ground { organization: &self.organization, dependencies, resolvers: &self.resolvers, reach: &reach };
        Plan::new(&ground)
    }

    /// Tells the plan; `None` if nobody listens.
    async fn tell_plan(&self, events: &mpsc::Sender<ProbeEvent>) -> Option<()> {
        let dependencies = self.learned.dependencies(&self.organization);
        let mut notes = self.plan.notes.clone();
        notes.extend(self.too_slow());
        let questions = self.plan.questions.len();
        events.send(ProbeEvent::Planned { questions, notes, dependencies }).await.ok()
    }

    /// Would questions wait for each other if nobody answered?
    fn too_slow(&self) -> Option<String> {
        let probing = &self.organization.probing;
        let longest = |question: &Arc<Question>| match &**question {
            Question::Dns(_) => probing.dns_timeout.micros(),
            Question::Http(_) => probing.http_timeout.micros(),
        };
        let all: i64 = self.plan.questions.iter().map(longest).fold(0, i64::saturating_add);
        let room = probing.every.micros().saturating_mul(i64::from(probing.concurrency));
        (all > room).then(|| {
            "if nobody answered, questions would wait for each other longer than `every`, and some would be passed over: \
             raise `every` or `concurrency`, or lower the timeouts in [probing]"
                .to_owned()
        })
    }

    /// Tells how an attempt ended, and learns from it; `None` if nobody listens.
    async fn ended(&mut self, question: &Question, asked: Asked, events: &mpsc::Sender<ProbeEvent>) -> Option<()> {
        let target = question.target();
        let event = match asked {
            Ok(Attempt { at, took, outcome }) => {
                self.records += 1;
                let source = RecordRef { file: self.file, record: self.records };
                let result = ProbeResult { at, took, vantage: Arc::clone(&self.vantage), target, outcome, source };
                self.learned.observe(&result);
                ProbeEvent::Result(result)
            }
            Err(trouble) => ProbeEvent::Trouble { target, trouble },
        };
        events.send(event).await.ok()
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_micros(u64::try_from(span.micros()).unwrap_or(0))
}
