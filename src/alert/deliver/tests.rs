//! Delivery with real servers on the loopback and a clock which the test sets: events are waited for, no time is.

use super::*;
use crate::alert::desk::tests::{at, happened, organization};
use crate::alert::notice::Notice;
use crate::alert::resolve::LookUp;
use crate::alert::sink::tests::{Heard, begin, end, hear};
use crate::org::Organization;
use crate::watch::IncidentChange::{self, Closed, Opened};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use tokio::net::TcpListener;

/// Everything there is around receivers.
struct Stage {
    desk: Desk,
    delivery: Delivery,
    seconds: Arc<AtomicI64>,
    said: Arc<Mutex<Vec<String>>>,
    end: watch::Sender<bool>,
}

impl Stage {
    /// DNS answers once a name, and is dead then.
    fn of(organization: &Organization) -> Self {
        let journal = Arc::new(Journal::in_memory("Example").unwrap());
        let asked = AtomicUsize::new(0);
        let dying: LookUp = Arc::new(move |_| {
            let alive = asked.fetch_add(1, Ordering::SeqCst) == 0;
            Box::pin(
                async move { if alive { Ok(vec![IpAddr::from([127, 0, 0, 1])]) } else { Err(std::io::Error::other("SERVFAIL")) } },
            )
        });
        let (end, ending) = watch::channel(false);
        let (seconds, said) = (Arc::new(AtomicI64::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (time, ears) = (Arc::clone(&seconds), Arc::clone(&said));
        let delivery = Delivery {
            journal: Arc::clone(&journal),
            resolver: Resolver::new(dying, Arc::clone(&journal)),
            clock: Arc::new(move || at(time.load(Ordering::SeqCst))),
            tell: Arc::new(move |words| ears.lock().unwrap().push(words.to_owned())),
            ending,
            tally: Arc::default(),
        };
        Stage { desk: Desk::new(journal, organization, true), delivery, seconds, said, end }
    }

    fn serve(&self, organization: &Organization, name: &str) -> tokio::task::JoinHandle<()> {
        let described = organization.alerts.iter().find(|alert| alert.name == name).unwrap();
        let sink = Sink::new(described, &self.delivery.resolver, |_| None).unwrap();
        tokio::spawn(serve(self.delivery.clone(), sink))
    }

    fn take(&self, changes: &[(IncidentChange, usize)]) {
        let now = self.seconds.load(Ordering::SeqCst);
        self.desk.take(happened(now, changes), at(now)).unwrap();
    }

    /// Waits until the outbox is so.
    async fn until(&self, so: impl Fn(&[Outgoing]) -> bool) -> Vec<Outgoing> {
        let mut news = self.delivery.journal.news();
        loop {
            let rows = self.delivery.journal.read(|book| book.outbox()).unwrap();
            if so(&rows) {
                return rows;
            }
            news.changed().await.unwrap();
        }
    }

    /// It is so late, which everybody hears of.
    fn set(&self, time: Timestamp) {
        self.seconds.store(time.since(at(0)).seconds() + 1, Ordering::SeqCst);
        self.delivery.journal.wake();
    }

    fn now(&self) -> Timestamp {
        (self.delivery.clock)()
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn told(heard: &Heard) -> (usize, Vec<IncidentChange>) {
    let notice: Notice = serde_json::from_slice(&heard.body).unwrap();
    (notice.incident.unwrap().number, notice.changes)
}

#[test]
fn pauses_grow_from_a_second_to_a_quarter_of_an_hour_and_chance_makes_them_shorter() {
    let seconds: Vec<i64> = (1..=12).map(|attempts| pause(attempts, 0).seconds()).collect();
    assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    assert_eq!(pause(u32::MAX, 0), LONGEST_PAUSE);
    assert!(pause(3, 255) > Span::from_seconds(2) && pause(3, 255) < Span::from_seconds(4));
    assert!(is_due(at(5), at(5)) && !is_due(at(6), at(5)));
    assert!(is_due(at(10_000), at(5)), "the clock was put back");
}

#[test]
fn an_endpoint_which_is_down_for_an_hour_gets_each_notice_once_when_it_is_back_though_dns_is_dead() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let organization = organization(&[("hook", address.port())]);
        let stage = Stage::of(&organization);
        let serving = stage.serve(&organization, "hook");
        stage.take(&[(Opened, 1)]);
        let mut attempts = 0;
        while stage.now() < at(3_600) {
            let rows =
                stage.until(|rows| rows.iter().all(|row| row.attempts > 0 && !row.under_way && row.next > stage.now())).await;
            attempts += 1;
            match attempts {
                3 => stage.take(&[(Opened, 2), (Opened, 3)]),
                5 => stage.take(&[(Closed, 2)]),
                _ => stage.set(rows.iter().map(|row| row.next).min().unwrap()),
            }
        }
        assert!(attempts > 8, "{attempts}");
        // It is back, where DNS said an hour ago.
        let listener = TcpListener::bind(address).await.unwrap();
        let rows = stage.until(|rows| rows.iter().all(|row| !row.under_way)).await;
        stage.set(rows.iter().map(|row| row.next).max().unwrap());
        let mut heard = BTreeMap::new();
        for _ in 0..3 {
            let notice = hear(&listener, "200 OK").await;
            let again = heard.insert(notice.headers["idempotency-key"].clone(), told(&notice));
            assert_eq!(again, None, "a key came twice");
        }
        stage.until(<[Outgoing]>::is_empty).await;
        let (delivered, failed) = stage.delivery.tally.counts();
        assert!(delivered == 3 && failed >= 9, "{delivered} delivered, {failed} failed");
        let mut told: Vec<_> = heard.into_values().collect();
        told.sort();
        assert_eq!(told, [(1, vec![Opened]), (2, vec![Opened, Closed]), (3, vec![Opened])]);
        // Nothing more comes.
        stage.end.send_replace(true);
        serving.await.unwrap();
        let said = stage.said.lock().unwrap();
        assert!(said[0].contains("hook was not told of incident 1 (attempt 1): no connection"), "{said:?}");
    });
}

#[test]
fn a_slow_receiver_delays_nobody_else() {
    run(async {
        let (slow, quick) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let organization = organization(&[("slow", port(&slow)), ("quick", port(&quick))]);
        let stage = Stage::of(&organization);
        let serving = [stage.serve(&organization, "slow"), stage.serve(&organization, "quick")];
        stage.take(&[(Opened, 1)]);
        let (first, waiting) = begin(&slow).await;
        assert_eq!(told(&first), (1, vec![Opened]));
        // While it keeps the first one waiting the other one gets everything.
        for (number, changes) in [(1, Opened), (2, Opened), (1, Closed)] {
            if (number, changes) != (1, Opened) {
                stage.take(&[(changes, number)]);
            }
            assert_eq!(told(&hear(&quick, "200 OK").await), (number, vec![changes]));
        }
        let rows = stage.until(|rows| rows.iter().all(|row| row.sink == "slow")).await;
        assert_eq!(rows.iter().map(|row| row.under_way).collect::<Vec<_>>(), [true, false, false]);
        // Then it gets the rest, in order.
        end(waiting, "200 OK").await;
        let rest = [told(&hear(&slow, "200 OK").await), told(&hear(&slow, "200 OK").await)];
        assert_eq!(rest, [(2, vec![Opened]), (1, vec![Closed])]);
        stage.until(<[Outgoing]>::is_empty).await;
        stage.end.send_replace(true);
        for one in serving {
            one.await.unwrap();
        }
    });
}

#[test]
fn what_is_refused_or_a_day_old_is_given_up_told_of_and_kept() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let organization = organization(&[("hook", listener.local_addr().unwrap().port())]);
        let stage = Stage::of(&organization);
        let serving = stage.serve(&organization, "hook");
        stage.take(&[(Opened, 1)]);
        hear(&listener, "404 Not Found").await;
        stage.until(|rows| rows[0].given_up.is_some()).await;
        stage.take(&[(Opened, 2)]);
        hear(&listener, "503 Service Unavailable").await;
        stage.until(|rows| rows[1].attempts == 1 && !rows[1].under_way).await;
        stage.set(at(86_400));
        hear(&listener, "503 Service Unavailable").await;
        let rows = stage.until(|rows| rows[1].given_up.is_some()).await;
        let reasons: Vec<_> = rows.iter().map(|row| row.given_up.as_deref().unwrap()).collect();
        assert_eq!(reasons, ["the server answered 404 Not Found", "the server answered 503 Service Unavailable"]);
        // Later notices do not wait for it.
        stage.take(&[(Closed, 1)]);
        assert_eq!(told(&hear(&listener, "200 OK").await), (1, vec![Closed]));
        stage.until(|rows| rows.len() == 2).await;
        stage.end.send_replace(true);
        serving.await.unwrap();
        let said = stage.said.lock().unwrap();
        assert_eq!(
            said[0],
            "hook is not told of incident 1, which is given up after 1 attempts: the server answered 404 Not Found"
        );
        assert!(said.last().unwrap().contains("given up after 2 attempts"), "{said:?}");
    });
}

#[test]
fn at_the_end_what_is_due_is_delivered_and_what_waits_is_left() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let organization = organization(&[("hook", listener.local_addr().unwrap().port())]);
        let Stage { desk, delivery, end, .. } = Stage::of(&organization);
        let (journal, desk) = (Arc::clone(&delivery.journal), Arc::new(desk));
        let sink = Sink::new(&organization.alerts[0], &delivery.resolver, |_| None).unwrap();
        desk.take(happened(0, &[(Opened, 1), (Opened, 2)]), at(0)).unwrap();
        end.send_replace(true);
        let all = tokio::spawn(super::run(delivery, desk, vec![sink]));
        hear(&listener, "500 Internal Server Error").await;
        hear(&listener, "200 OK").await;
        all.await.unwrap();
        let rows = journal.read(|book| book.outbox()).unwrap();
        assert_eq!(rows.iter().map(|row| (row.incident, row.attempts, row.under_way)).collect::<Vec<_>>(), [(1, 1, false)]);
    });
}
