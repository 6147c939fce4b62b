given("of-tspo__tspo_4",{"outcomes":"332213331133233332223321","labels":null});
