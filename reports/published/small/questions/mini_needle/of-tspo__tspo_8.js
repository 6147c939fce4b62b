given("of-tspo__tspo_8",{"outcomes":"112222211121221212221121","labels":null});
