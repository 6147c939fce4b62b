given("of-tspo__tspo_2",{"outcomes":"212212222221222112221121","labels":null});
