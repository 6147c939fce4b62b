given("of-tspo__tspo_4",{"outcomes":"112222211121222112211121","labels":null});
