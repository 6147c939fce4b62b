given("of-tspo__tspo_2",{"outcomes":"332213333313233232233321","labels":null});
