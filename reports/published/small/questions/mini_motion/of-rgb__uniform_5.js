given("of-rgb__uniform_5",{"outcomes":"323223223333233333122333","labels":null});
