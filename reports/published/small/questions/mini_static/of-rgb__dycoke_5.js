given("of-rgb__dycoke_5",{"outcomes":"312321333333122333233332","labels":null});
