//! When questions are asked, in a time which passes only while nothing else happens.

use super::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const MINUTE: Duration = Duration::from_secs(60);

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(work)
}

fn pace(rounds: u64) -> Pace {
    Pace { every: MINUTE, concurrency: 8, rounds: Some(rounds), seed: 7 }
}

fn questions(count: usize) -> Vec<Arc<usize>> {
    (0..count).map(Arc::new).collect()
}

/// Asks these questions, each of which takes so long; gives when each was asked, since the beginning, and which were passed over.
async fn played(pace: Pace, count: usize, takes: impl Fn(usize) -> Duration) -> (Vec<(usize, Duration)>, Vec<(usize, Duration)>) {
    let (begin, mut schedule) = (Instant::now(), Schedule::new(pace));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut passed_over = Vec::new();
    loop {
        let turn = schedule
            .turn(|question| {
                let (question, takes, asked) = (*question, takes(*question), Arc::clone(&asked));
                async move {
                    asked.lock().unwrap().push((question, begin.elapsed()));
                    tokio::time::sleep(takes).await;
                }
            })
            .await;
        match turn {
            Turn::Round => schedule.begin(questions(count)),
            Turn::Ended(..) => {}
            Turn::PassedOver(question) => passed_over.push((*question, begin.elapsed())),
            Turn::Over => break,
        }
    }
    let asked = asked.lock().unwrap().clone();
    (asked, passed_over)
}

#[test]
fn questions_are_spread_evenly_over_the_interval() {
    let (asked, passed_over) = run(played(pace(3), 6, |_| Duration::ZERO));
    assert_eq!((asked.len(), passed_over.len()), (18, 0));
    let slot = Duration::from_secs(10);
    let mut moved = Vec::new();
    for (place, (question, at)) in asked.iter().enumerate() {
        assert_eq!(*question, place % 6, "in the order of the plan");
        let due = slot * u32::try_from(place).unwrap();
        assert!(*at >= due && *at < due + slot, "{question} was due from {due:?} on and asked at {at:?}");
        moved.push(*at - due);
    }
    moved.sort();
    moved.dedup();
    assert!(moved.len() > 12, "by chance a little later, each its own: {moved:?}");
    assert_eq!(run(played(pace(3), 6, |_| Duration::ZERO)).0, asked, "the same chance gives the same times");
    let other = Pace { seed: 8, ..pace(3) };
    assert_ne!(run(played(other, 6, |_| Duration::ZERO)).0, asked);
}

#[test]
fn who_is_slow_delays_nobody_and_is_not_asked_again_before_he_answers() {
    let slow = |question| if question == 2 { Duration::from_secs(150) } else { Duration::from_millis(20) };
    let (asked, passed_over) = run(played(pace(5), 6, slow));
    for question in [0, 1, 3, 4, 5] {
        let times: Vec<Duration> = asked.iter().filter(|(asked, _)| *asked == question).map(|(_, at)| *at).collect();
        let expected = |round: u32| MINUTE * round + Duration::from_secs(10) * u32::try_from(question).unwrap();
        assert_eq!(times.len(), 5, "{question}");
        for (round, at) in (0..).zip(times) {
            assert!(
                at >= expected(round) && at < expected(round) + Duration::from_secs(10),
                "{question} in round {round} at {at:?}"
            );
        }
    }
    // Asked at 0:20 and a little, it answers at 2:50 and a little: its turns in the second and the third minute are passed over.
    assert_eq!(asked.iter().filter(|(question, _)| *question == 2).count(), 3 - 1);
    assert_eq!(passed_over.iter().map(|(question, _)| *question).collect::<Vec<_>>(), [2, 2, 2]);
}

#[test]
fn no_more_than_the_limit_wait_at_one_time() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let ended = run(async {
        let mut schedule = Schedule::new(Pace { every: Duration::ZERO, concurrency: 3, rounds: Some(1), seed: 1 });
        let mut ended = 0;
        loop {
            let ask = |_: &usize| {
                let (now, most) = (Arc::clone(&now), Arc::clone(&most));
                async move {
                    most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    now.fetch_sub(1, Ordering::Relaxed);
                }
            };
            match schedule.turn(ask).await {
                Turn::Round => schedule.begin(questions(10)),
                Turn::Ended(..) => ended += 1,
                Turn::PassedOver(_) => panic!("each is asked once"),
                Turn::Over => return ended,
            }
        }
    });
    assert_eq!((ended, most.load(Ordering::Relaxed)), (10, 3));
}

#[test]
fn rounds_which_were_slept_through_are_not_made_up_for() {
    run(async {
        let mut schedule: Schedule<usize, ()> = Schedule::new(Pace { rounds: None, ..pace(1) });
        assert_eq!(schedule.turn(|_| async {}).await, Turn::Round);
        schedule.begin(questions(0));
        tokio::time::advance(MINUTE * 600).await;
        let mut rounds = 0;
        let slept = Instant::now();
        while slept.elapsed() < MINUTE * 3 {
            assert_eq!(schedule.turn(|_| async {}).await, Turn::Round);
            schedule.begin(questions(0));
            rounds += 1;
        }
        assert_eq!(rounds, 4, "one at once, then one a minute");
    });
}

#[test]
fn a_task_which_breaks_down_blocks_its_question_no_longer() {
    run(async {
        let mut schedule = Schedule::new(pace(2));
        let mut turns = Vec::new();
        loop {
            match schedule.turn(|_| async { panic!("as a test wants it") }).await {
                Turn::Round => schedule.begin(questions(1)),
                Turn::Over => break,
                turn @ (Turn::Ended(..) | Turn::PassedOver(_)) => turns.push(turn),
            }
        }
        assert_eq!(turns, Vec::<Turn<usize, ()>>::new(), "neither answered nor passed over");
    });
}
