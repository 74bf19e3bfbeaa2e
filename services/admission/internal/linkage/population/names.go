package population

import "strings"

// The commonest names, roughly by how common they are.
var (
	men = strings.Fields(`James John Robert Michael William David Richard Charles Joseph Thomas Christopher Daniel Paul Mark
		Donald George Kenneth Steven Edward Brian Ronald Anthony Kevin Jason Matthew Gary Timothy Jose Larry Jeffrey Frank Scott
		Eric Stephen Andrew Raymond Gregory Joshua Jerry Dennis Walter Patrick Peter Harold Douglas Henry Carl Arthur Ryan Roger
		Joe Juan Jack Albert Jonathan Justin Terry Gerald Keith Samuel Willie Ralph Lawrence Nicholas Roy Benjamin Bruce Brandon
		Adam Harry Fred Wayne Billy Steve Louis Jeremy Aaron Randy Howard Eugene Carlos Russell Bobby Victor Martin Ernest
		Phillip Todd Jesse Craig Alan Shawn Clarence Sean Philip Chris Johnny Earl Jimmy Antonio Danny Bryan Tony Luis Mike
		Stanley Leonard Nathan Dale Manuel Rodney Curtis Norman Allen Marvin Vincent Glenn Jeffery Travis Jeff Chad Jacob Lee
		Melvin Alfred Kyle Francis Bradley Jesus Herbert Frederick Ray Joel Edwin Don Eddie Ricky Troy Randall Barry Alexander
		Bernard Mario Leroy Francisco Marcus Micheal Theodore Clifford Miguel Oscar Jay Jim Tom Calvin Alex Jon Ronnie Bill
		Lloyd Tommy Leon Derek Warren Darrell Jerome Floyd Leo Alvin Tim Wesley Gordon Dean Greg Jorge Dustin Pedro Derrick
		Ethan Noah Liam Mason Logan Lucas Aiden Jayden Kayden Owen Wyatt Dylan Gavin Evan Ian Caleb Isaac Elijah Hunter`)
	women = strings.Fields(`Mary Patricia Linda Barbara Elizabeth Jennifer Maria Susan Margaret Dorothy Lisa Nancy Karen Betty
		Helen Sandra Donna Carol Ruth Sharon Michelle Laura Sarah Kimberly Deborah Jessica Shirley Cynthia Angela Melissa Brenda
		Amy Anna Rebecca Virginia Kathleen Pamela Martha Debra Amanda Stephanie Carolyn Christine Marie Janet Catherine Frances
		Ann Joyce Diane Alice Julie Heather Teresa Doris Gloria Evelyn Jean Cheryl Mildred Katherine Joan Ashley Judith Rose
		Janice Kelly Nicole Judy Christina Kathy Theresa Beverly Denise Tammy Irene Jane Lori Rachel Marilyn Andrea Kathryn
		Louise Sara Anne Jacqueline Wanda Bonnie Julia Ruby Lois Tina Phyllis Norma Paula Diana Annie Lillian Emily Robin Peggy
		Crystal Gladys Rita Dawn Connie Florence Tracy Edna Tiffany Carmen Rosa Cindy Grace Wendy Victoria Edith Kim Sherry
		Sylvia Josephine Thelma Shannon Sheila Ethel Ellen Elaine Marjorie Carrie Charlotte Monica Esther Pauline Emma Juanita
		Anita Rhonda Hazel Amber Eva Debbie April Leslie Clara Lucille Jamie Joanne Eleanor Valerie Danielle Megan Alicia
		Suzanne Michele Gail Bertha Darlene Veronica Jill Erin Geraldine Lauren Cathy Joann Lorraine Lynn Sally Regina Erica
		Olivia Ava Sophia Isabella Mia Madison Chloe Ella Avery Aubrey Zoe Lily Hannah Natalie Kayla Kaylee Jayla Brianna`)
	families = strings.Fields(`Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez
		Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson
		Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell
		Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart Morris Morales Murphy Cook
		Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos Kim Cox Ward Richardson Watson Brooks
		Chavez Wood James Bennett Gray Mendoza Ruiz Hughes Price Alvarez Castillo Sanders Patel Myers Long Ross Foster Jimenez
		Powell Jenkins Perry Russell Sullivan Bell Coleman Butler Henderson Barnes Fisher Vasquez Simmons Romero Jordan
		Patterson Alexander Hamilton Graham Reynolds Griffin Wallace West Cole Hayes Bryant Herrera Gibson Ellis Tran Medina
		Stevens Murray Ford Marshall Owens McDonald Harrison Kennedy Wells Woods Chen Freeman Webb Tucker Burns Crawford Henry
		Olson Simpson Porter Hunter Gordon Shaw Snyder Mason Dixon Hunt Hicks Holmes Palmer Wagner Black Robertson Boyd Stone
		Salazar Fox Warren Mills Meyer Rice Schmidt Daniels Ferguson Nichols Stephens Soto Weaver Ryan Gardner Payne Grant Dunn
		O'Brien O'Connor MacDonald DeLaCruz VanDyke Hansen Larson Carlson Jensen Hoffman Schultz Schneider Keller Becker Wolf`)
	streets = strings.Fields(`Main Oak Maple Cedar Pine Elm Washington Lake Hill Walnut Spring North Ridge Church Willow Mill
		Sunset Railroad Jackson Franklin River Meadow Forest Highland Johnson Chestnut Park Lincoln Cherry Center Dogwood Green
		Jefferson Adams Madison College Prospect Locust Hickory Laurel Birch Valley Poplar Grove Monroe Spruce Cottage Union`)
	streetKinds = [][2]string{{"Street", "St"}, {"Avenue", "Ave"}, {"Road", "Rd"}, {"Drive", "Dr"}, {"Lane", "Ln"}, {"Court", "Ct"}, {"Boulevard", "Blvd"}, {"Place", "Pl"}}
	cities      = strings.Fields(`Springfield Riverton Fairview Clinton Georgetown Salem Madison Franklin Arlington Ashland`)
)

// called is what people are called instead of what their papers say. It is this package's own list.
var called = map[string][]string{
	"James": {"Jim", "Jimmy", "Jamie"}, "John": {"Jack", "Johnny", "Jon"}, "Robert": {"Bob", "Rob", "Bobby"}, "Michael": {"Mike", "Mickey"},
	"William": {"Bill", "Will", "Billy", "Liam"}, "David": {"Dave"}, "Richard": {"Rick", "Dick", "Rich"}, "Charles": {"Charlie", "Chuck"},
	"Joseph": {"Joe", "Joey"}, "Thomas": {"Tom", "Tommy"}, "Christopher": {"Chris", "Topher"}, "Daniel": {"Dan", "Danny"}, "Donald": {"Don"},
	"Kenneth": {"Ken"}, "Steven": {"Steve"}, "Stephen": {"Steve"}, "Edward": {"Ed", "Ted", "Eddie"}, "Ronald": {"Ron"}, "Anthony": {"Tony"},
	"Matthew": {"Matt"}, "Timothy": {"Tim"}, "Jeffrey": {"Jeff"}, "Andrew": {"Andy", "Drew"}, "Raymond": {"Ray"}, "Gregory": {"Greg"},
	"Joshua": {"Josh"}, "Patrick": {"Pat", "Paddy"}, "Peter": {"Pete"}, "Samuel": {"Sam"}, "Lawrence": {"Larry"}, "Nicholas": {"Nick"},
	"Benjamin": {"Ben"}, "Alexander": {"Alex", "Xander", "Sasha"}, "Francis": {"Frank"}, "Frederick": {"Fred"}, "Theodore": {"Ted", "Theo"},
	"Walter": {"Walt"}, "Harold": {"Hal"}, "Henry": {"Hank"}, "Jose": {"Pepe", "Joe"}, "Francisco": {"Paco", "Frank"}, "Eugene": {"Gene"},
	"Elizabeth": {"Liz", "Beth", "Betty", "Betsy"}, "Margaret": {"Peggy", "Maggie", "Meg"}, "Patricia": {"Pat", "Patty", "Trish"},
	"Barbara": {"Barb", "Babs"}, "Susan": {"Sue", "Susie"}, "Jennifer": {"Jen", "Jenny"}, "Katherine": {"Kathy", "Kate", "Katie"},
	"Catherine": {"Cathy", "Kate"}, "Kathleen": {"Kathy", "Kay"}, "Deborah": {"Debbie", "Deb"}, "Debra": {"Debbie"}, "Cynthia": {"Cindy"},
	"Rebecca": {"Becky", "Becca"}, "Virginia": {"Ginny"}, "Pamela": {"Pam"}, "Amanda": {"Mandy"}, "Christine": {"Chris", "Tina"},
	"Christina": {"Chris", "Tina"}, "Victoria": {"Vicky", "Tori"}, "Dorothy": {"Dot", "Dottie"}, "Judith": {"Judy"}, "Theresa": {"Terry", "Tess"},
	"Teresa": {"Terry"}, "Jacqueline": {"Jackie"}, "Josephine": {"Jo", "Josie"}, "Samantha": {"Sam"}, "Kimberly": {"Kim"}, "Sandra": {"Sandy"},
	"Frances": {"Fran", "Frankie"}, "Eleanor": {"Ellie", "Nora"}, "Rosa": {"Rosie"}, "Guadalupe": {"Lupe"}, "Abigail": {"Abby"}, "Olivia": {"Liv"},
	"Isabella": {"Bella", "Izzy"}, "Natalie": {"Nat"}, "Danielle": {"Dani"}, "Stephanie": {"Steph"}, "Jessica": {"Jess"}, "Nancy": {"Nan"},
}

// alikeTwins are names that twins are given together, as alike as parents make them.
var alikeTwins = map[string][][2]string{
	"M": {{"Jayden", "Kayden"}, {"Jayden", "Aiden"}, {"Ethan", "Evan"}, {"Daniel", "David"}, {"Mason", "Jason"}, {"Logan", "Mason"},
		{"Jacob", "Joshua"}, {"Eric", "Derrick"}, {"Darrell", "Darren"}, {"Larry", "Harry"}, {"Ronald", "Donald"}, {"Jaylen", "Jayden"},
		{"Jeremy", "Jeremiah"}, {"Carlos", "Marcos"}, {"Juan", "Jose"}, {"Brian", "Ryan"}, {"Don", "Ron"}, {"Tyler", "Taylor"}},
	"F": {{"Marie", "Maria"}, {"Julie", "Julia"}, {"Emma", "Ella"}, {"Kayla", "Jayla"}, {"Kayla", "Kaylee"}, {"Madison", "Addison"},
		{"Christina", "Christine"}, {"Carol", "Caroline"}, {"Jean", "Jane"}, {"Anna", "Hannah"}, {"Olivia", "Sophia"}, {"Faith", "Hope"},
		{"Ava", "Eva"}, {"Diana", "Diane"}, {"Brianna", "Breanna"}, {"Ellen", "Helen"}, {"Sharon", "Karen"}, {"Joan", "Joanne"}},
}

var syllables = strings.Fields(`ba bel ber bo bran cal car chan cor da del den dor el en fa fer gal gar gra gul ha har hol ja jen ka kal kar
	kin kow la lan lem lin lo mal man mar mer mil mo na nor ol or pa par pen per pol ra ram ren ri ros sa san sel sen ski sta ster
	ta tan ter tho ti tor va van ver vi wal war wen wil wo ya yo za zel`)

// tail makes the n-th of the made-up names; they are spelled alike about as often as real ones are.
func tail(n int, words int) string {
	var b strings.Builder
	for range words {
		b.WriteString(syllables[n%len(syllables)])
		n /= len(syllables)
	}
	if n > 0 {
		b.WriteString(syllables[n%len(syllables)])
	}
	s := b.String()
	return strings.ToUpper(s[:1]) + s[1:]
}
