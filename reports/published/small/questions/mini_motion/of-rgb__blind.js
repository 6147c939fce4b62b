given("of-rgb__blind",{"outcomes":"212111212112121221211221","labels":null});
