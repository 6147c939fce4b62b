given("of-rgb__recent_25",{"outcomes":"332331333333122333233332","labels":null});
