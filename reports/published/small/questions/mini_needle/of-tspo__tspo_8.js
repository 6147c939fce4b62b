given("of-tspo__tspo_8",{"outcomes":"332223211133223332233121","labels":null});
