given("of-rgb__dycoke_25",{"outcomes":"312321333333122333233332","labels":null});
